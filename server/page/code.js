// Code to copy, with the address and model of this server.
import { key } from "./ask.js";
import { copy, element, make } from "./elements.js";
import { address, model } from "./server.js";

function snippets() {
    const name = JSON.stringify(model.tasks.includes("query") ? `${model.name}:query` : model.name);
    const body = `{"model": ${name}, "input": "how do plants drink"}`.replaceAll("'", "'\\''"); // as a shell reads it
    const secret = key();
    return {
        curl: `curl ${address}/v1/embeddings \\
${secret ? `  -H "Authorization: Bearer $QUERN_API_KEY" \\\n` : ""}  -H "Content-Type: application/json" \\
  -d '${body}'`,

        Python: `# pip install openai
${secret ? "import os\n" : ""}from openai import OpenAI

client = OpenAI(base_url="${address}/v1", api_key=${secret ? `os.environ["QUERN_API_KEY"]` : `"none"`})
answer = client.embeddings.create(model=${name}, input=["how do plants drink"])
print(answer.data[0].embedding)`,

        Node: `// npm install openai
import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${address}/v1", apiKey: ${secret ? "process.env.QUERN_API_KEY" : `"none"`} });
const answer = await client.embeddings.create({ model: ${name}, input: ["how do plants drink"] });
console.log(answer.data[0].embedding);`
    };
}

export function startCode() {
    element("snippets").replaceChildren(...Object.entries(snippets()).map(([language, text]) => {
        const button = make("button",
            { type: "button", class: "quiet", "aria-label": `Copy the ${language} code` }, "Copy");
        button.addEventListener("click", () => copy(text, "code-status"));
        return make("div", { class: "snippet" }, make("h2", {}, language, button),
            make("pre", { tabindex: 0, role: "region", "aria-label": `${language} code` }, make("code", {}, text)));
    }));
}
