// Compares texts with each other: a table whose cells are coloured by similarity.
import { offerCsv } from "./csv.js";
import { count, duration, element, fillTasks, lines, make, plural, quote } from "./elements.js";
import { embed, model } from "./server.js";
import { onSubmit } from "./submit.js";
import { cosines } from "./vectors.js";

const mostTexts = 100;
const mostNumbers = 15; // texts, up to which the cells have room for numbers

// Colours cover the range of the given values only, because similarities rarely differ by more than a third.
function scale(similarities) {
    const values = similarities.flatMap((row, i) => [...row].filter((_, j) => j !== i));
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value) => high > low ? Math.round(100 * (value - low) / (high - low)) : 50;
}

async function table(texts, similarities, rest) {
    const heat = scale(similarities);
    const head = make("tr", {}, make("td"), ...texts.map((text, i) =>
        make("th", { scope: "col" }, String(i + 1), make("span", { class: "hidden-text" }, ` ${text}`))));
    const rows = [];
    for (const [i, row] of similarities.entries()) {
        rows.push(make("tr", {},
            make("th", { scope: "row", title: texts[i], dir: "auto" }, make("span", {}, `${i + 1} ${texts[i]}`)),
            ...Array.from(row, (value, j) => {
                const cell = make("td", { "data-row": i, "data-column": j }, value.toFixed(2));
                if (i === j)
                    cell.className = "self";
                else
                    cell.style.setProperty("--heat-part", heat(value));
                return cell;
            })));
        await rest();
    }
    return make("table", { class: texts.length > mostNumbers ? "heat dense" : "heat" },
        make("caption", {}, "Cosine similarity: 1.00 is the same direction"),
        make("thead", {}, head), make("tbody", {}, ...rows));
}

function closest(texts, similarities) {
    let best = [0, 1];
    similarities.forEach((row, i) => row.forEach((value, j) => {
        if (i < j && value > similarities[best[0]][best[1]])
            best = [i, j];
    }));
    return `Closest: ${quote(texts[best[0]])} / ${quote(texts[best[1]])}.`;
}

async function work(job) {
    const texts = lines("compare-texts");
    if (texts.length < 2 || texts.length > mostTexts)
        throw new Error(`Enter 2 to ${mostTexts} lines; there are ${count(texts.length)}.`);
    const { vectors, asked, milliseconds } = await embed(texts, { task: element("compare-task").value }, job);
    const similarities = await cosines(vectors, job.rest);
    const result = element("compare-result");
    result.replaceChildren(await table(texts, similarities, job.rest));
    result.hidden = false;
    result.onmouseover = ({ target: { dataset: { row, column } } }) => {
        element("compare-pair").textContent = row
            ? `${similarities[row][column].toFixed(2)}: ${quote(texts[row])} / ${quote(texts[column])}` : "";
    };
    offerCsv("compare", () => [["", ...texts], ...similarities.map((row, i) =>
        [texts[i], ...Array.from(row, (value) => value.toFixed(6))])]);
    const time = asked ? `${plural(asked, "new text")} embedded in ${duration(milliseconds)}. ` : "";
    return `${time}${closest(texts, similarities)}`;
}

export function startCompare() {
    fillTasks("compare-task", model.tasks, "similarity");
    onSubmit("compare", work);
}
