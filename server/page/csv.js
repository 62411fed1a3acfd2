// Results as a file for spreadsheets.
import { element } from "./elements.js";

// A field in quotes. A text that a spreadsheet would take for a formula gets an apostrophe before it.
function field(value) {
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return `"${text.replaceAll("\"", "\"\"")}"`;
}

export const csv = (rows) => rows.map((row) => row.map(field).join(",") + "\r\n").join("");

// Shows the button NAME-csv, which saves rows() as NAME.csv.
export function offerCsv(name, rows) {
    const button = element(`${name}-csv`);
    button.hidden = false;
    button.onclick = () => {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([csv(rows())], { type: "text/csv" }));
        link.download = `quern-${name}.csv`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    };
}
