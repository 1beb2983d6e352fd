import { ocrModelPath } from "@espalier/testkit";
import { defineConfig } from "espalier";

export default defineConfig({
  model: ocrModelPath("recognition"),
  prune: { output: "build/pruned.onnx", sparsity: process.env.SPARSITY ?? 0.5, exclude: ["conv2d_*"] },
  verify: {
    samples: "lines.ts",
    metric: "character-accuracy.ts",
    maxAccuracyDrop: 0.03,
    confident: true,
    markdown: "build/comment.md",
    junit: "build/report.xml",
    writeCertificate: "build/pruned.cert.json",
  },
  export: { output: "build/model.onnx", target: "ort-node" },
});
