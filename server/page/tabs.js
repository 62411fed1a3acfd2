// Tabs after the ARIA pattern: arrows move, Home and End jump. The address keeps which tab is open.
import { element } from "./elements.js";

// Shows a tab that was hidden, and opens it if the address says so, or nothing else.
export function showTab(name) {
    element(`tab-${name}`).hidden = false;
    window.dispatchEvent(new Event("hashchange"));
}

export function startTabs() {
    const all = [...document.querySelectorAll("[role=tab]")];
    const panel = (tab) => element(tab.getAttribute("aria-controls"));

    const shown = () => all.filter((tab) => !tab.hidden);

    function select(tab) {
        for (const other of all) {
            other.setAttribute("aria-selected", String(other === tab));
            other.tabIndex = other === tab ? 0 : -1;
            panel(other).hidden = other !== tab;
        }
    }

    function selectByAddress() {
        const tabs = shown();
        select(tabs.find((tab) => `#${panel(tab).id}` === location.hash) || tabs[0]);
    }

    function go(tab) {
        select(tab);
        tab.focus();
        history.replaceState(null, "", `#${panel(tab).id}`);
    }

    for (const tab of all) {
        tab.addEventListener("click", () => go(tab));
        tab.addEventListener("keydown", (event) => {
            const tabs = shown(), i = tabs.indexOf(tab);
            const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: tabs.length - 1 }[event.key];
            if (to === undefined)
                return;
            event.preventDefault();
            go(tabs.at(to % tabs.length));
        });
    }
    window.addEventListener("hashchange", selectByAddress);
    selectByAddress();
}
