# One image for every part of the program: web, worker, metrics, and the commands of `flask --app run …`.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ENVIRONMENT=production DATA_DIR=/data
WORKDIR /srv/registre
# pg_dump, pg_restore and psql, for backups.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY run.py config.py gunicorn.conf.py ./
COPY migrations migrations
COPY app app
RUN useradd --system --uid 10001 registre && install -d -o registre -m 700 /data /backups
USER registre
VOLUME /data /backups
EXPOSE 8080
# The kind of worker and its times stand in gunicorn.conf.py.
CMD ["gunicorn", "run:app", "--bind", "0.0.0.0:8080", "--workers", "4"]
