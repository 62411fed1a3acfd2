// What a form does when it is submitted: its work runs, says how far it is, and can be stopped.
import { count, element, make, plural, say } from "./elements.js";
import { slices } from "./slices.js";

const patience = 400; // ms of work until the button that stops it appears

// Puts the status line into a row with a button and a bar.
function addControls(name) {
    const status = element(`${name}-status`);
    const row = make("div", { class: "work" });
    const stop = make("button", { type: "button", class: "quiet", id: `${name}-stop`, hidden: "" }, "Stop");
    const bar = make("progress", { "aria-label": "Texts embedded", hidden: "" });
    status.before(row);
    row.append(status, stop, bar);
    return { stop, bar };
}

// When the form NAME-form is submitted, calls work(job), which returns the text for NAME-status, or two: what is seen,
// and what is only heard besides. A second submit stops the first. A job has
//   signal               that it is stopped
//   rest()               for long work; see slices.js
//   tell(text)           shows a text in NAME-status
//   progress(done, all)  shows how many texts are embedded
export function onSubmit(name, work) {
    const form = element(`${name}-form`);
    const { stop, bar } = addControls(name);
    let current, timer;

    function end() {
        clearTimeout(timer);
        form.removeAttribute("aria-busy");
        if (document.activeElement === stop)
            form.querySelector("button").focus();
        stop.hidden = bar.hidden = true;
        current = undefined;
    }

    async function run(control) {
        const isCurrent = () => current === control;
        const tell = (text, isProblem, heard) => isCurrent() && say(`${name}-status`, text, isProblem, heard);
        let reached = "";
        const progress = (done, all) => {
            if (!isCurrent())
                return;
            Object.assign(bar, { max: all, value: done, hidden: false });
            reached = `${count(done)} of ${plural(all, "text")} embedded`;
            tell(`${reached}…`);
        };
        timer = setTimeout(() => {
            stop.hidden = false;
            if (!reached)
                tell("Working…");
        }, patience);
        try {
            const done = await work({ signal: control.signal, rest: slices(control.signal), tell, progress });
            const [seen, heard] = [done].flat();
            tell(seen, false, heard);
        } catch (error) {
            if (control.signal.aborted)
                tell(reached ? `Stopped: ${reached}. The next start goes on from there.` : "Stopped.");
            else
                tell(error.message, true);
        }
        if (isCurrent())
            end();
    }

    form.addEventListener("submit", (event) => {
        event.preventDefault();
        current?.abort();
        clearTimeout(timer);
        bar.hidden = true;
        current = new AbortController();
        form.setAttribute("aria-busy", "true");
        run(current);
    });
    stop.addEventListener("click", () => current?.abort());
    return form;
}
