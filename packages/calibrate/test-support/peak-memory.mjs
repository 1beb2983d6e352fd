// Runs a model of one input in a process of its own and prints by how many bytes memory grew: `node peak-memory.mjs MODEL DIMS`.
import { openRunner } from "@espalier/runtime";

const [path, dims] = [process.argv[2], JSON.parse(process.argv[3])];
const runner = await openRunner(path);
const data = new Float32Array(dims.reduce((all, size) => all * size, 1)).fill(0.5);
const before = process.resourceUsage().maxRSS;
await runner.run({ x: { dtype: "float32", dims, data } }, ["y"]);
console.log((process.resourceUsage().maxRSS - before) * 1024);
process.exit(0);
