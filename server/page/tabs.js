// Tabs after the ARIA pattern: arrows move, Home and End jump. The address keeps which tab is open.
import { element } from "./elements.js";

export function startTabs() {
    const tabs = [...document.querySelectorAll("[role=tab]")];
    const panel = (tab) => element(tab.getAttribute("aria-controls"));

    function select(tab) {
        for (const other of tabs) {
            other.setAttribute("aria-selected", String(other === tab));
            other.tabIndex = other === tab ? 0 : -1;
            panel(other).hidden = other !== tab;
        }
    }

    function selectByAddress() {
        select(tabs.find((tab) => `#${panel(tab).id}` === location.hash) || tabs[0]);
    }

    function go(tab) {
        select(tab);
        tab.focus();
        history.replaceState(null, "", `#${panel(tab).id}`);
    }

    tabs.forEach((tab, i) => {
        tab.addEventListener("click", () => go(tab));
        tab.addEventListener("keydown", (event) => {
            const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: tabs.length - 1 }[event.key];
            if (to === undefined)
                return;
            event.preventDefault();
            go(tabs.at(to % tabs.length));
        });
    });
    window.addEventListener("hashchange", selectByAddress);
    selectByAddress();
}
