// In place of DuckDB's command, which npm does not have: runs SQL in DuckDB, and prints what a query gives.
// usage: duckdb.mjs [-list] [-noheader] DATABASE [SQL]
import { readFileSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";

const words = process.argv.slice(2).filter((word) => !["-list", "-noheader"].includes(word));
const [database, sql = readFileSync(0, "utf8")] = words;
const instance = await DuckDBInstance.create(database);
const connection = await instance.connect();
const reader = await connection.runAndReadAll(sql);
for (const row of reader.columnName(0) === "Count" ? [] : reader.getRowsJson())
    console.log(row.join("|"));
connection.closeSync();
instance.closeSync();
