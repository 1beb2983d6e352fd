import { calibrate } from "./calibrate/calibrate.js";
import { formatTable } from "./format-table.js";
const names = process.argv.slice(2);
console.log(formatTable(await calibrate.run((n) => names.some((x) => n.startsWith("calibrate/" + x)))));
