"""Render pages in Chromium. The guard and robots.txt also apply to what these pages load. See docs/browser-pages.md."""
