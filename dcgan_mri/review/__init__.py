"""The review page of one or more runs: what it shows (Python), and how (`template.html`, `page.css`, `page.js`)."""
