// The browser that tests and tools open the page with.
import { chromium } from "playwright-core";

const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];

// Starts a browser that keeps what it keeps in this folder.
export const launch = (profile) => chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium", headless: true, args: quiet, permissions: ["clipboard-read", "clipboard-write"]
});
