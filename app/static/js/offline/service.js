// Keeps the page that verifies without network, and what it needs; KEPT and VERSION stand above, put there by the server.

const PAGES = `offline-${VERSION}`;
/** Keys and lists outlive a new version of the page. */
const LISTS = "offline-lists";
const FRESH = ["/verifier/cles.json", "/verifier/revocations"];
/** Milliseconds after which a network that answers nothing is none. */
const PATIENCE = 4_000;

async function fresh(request) {
  const cache = await caches.open(LISTS);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    const isPage = response.headers.get("Content-Type")?.startsWith("text/html"); // of whoever stands between
    if (response.ok && !isPage) {
      await cache.put(request, response.clone());
      return response;
    }
  } catch {
    // no network
  }
  return (await cache.match(request, { ignoreVary: true })) ?? Response.error();
}

async function kept(request) {
  const cache = await caches.open(PAGES);
  return (await cache.match(request, { ignoreSearch: true, ignoreVary: true })) ?? fetch(request);
}

async function install() {
  const cache = await caches.open(PAGES);
  await cache.addAll(KEPT.map((address) => new Request(address, { cache: "reload" })));
  await Promise.allSettled(FRESH.map((address) => fresh(new Request(address))));
  await self.skipWaiting();
}

async function activate() {
  const old = (await caches.keys()).filter((name) => name.startsWith("offline-") && ![PAGES, LISTS].includes(name));
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (origin !== self.location.origin || event.request.method !== "GET") return;
  event.respondWith(FRESH.includes(pathname) ? fresh(event.request) : kept(event.request));
});
