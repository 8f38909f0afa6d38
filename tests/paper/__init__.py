"""Every PDF of ours as those read it who do not see it, and as independent judges of PDF/A-3A and PDF/UA-1 do: no base."""
