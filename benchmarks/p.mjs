import { readFileSync } from "node:fs";
import { l1, nm, prune, unstructured, exportModel } from "espalier";
const start = performance.now();
if (process.argv[2]==="prune") { const pruned = await prune("/tmp/h/big/synthetic.onnx", { criterion: l1(), pattern: unstructured(0.5) });
await pruned.write("/tmp/h/big/pruned.onnx"); }
else { let last=""; const hwm=()=>/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]/1000|0; const e = await exportModel("/tmp/h/big/pruned.onnx",{format:process.argv[3], onProgress:(p)=>{const t=`${p.phase} ${p.done}`; if(t!==last){last=t;console.log(t,p.item,hwm(),((performance.now()-start)/1000).toFixed(1))}}}); console.log(e.report.bytesBefore,e.report.bytes,e.report.check,hwm()); await e.write("/tmp/h/big/exported.onnx");}
console.log((performance.now()-start)/1000,/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
