import { formatTable } from "../format-table.js";
const [s, ...names] = process.argv.slice(2);
const suite = s === "ocr" ? (await import("./ocr.js")).ocr : (await import("../use-lite/use-lite.js")).useLite;
const t = await suite.run((n) => names.length === 0 || names.some((x) => n === x || n.startsWith(x + "/")));
console.log(formatTable(t)); console.log(t.note);
