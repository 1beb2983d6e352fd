import { createRequire } from "node:module";
import { characterAccuracy, ocrLines, ocrModelPath, readCharacters, renderLine } from "@espalier/testkit";
import { expect, it } from "vitest";

// The testkit stands below the packages that own ONNX Runtime, so only tests reach for it, through one of them.
const { InferenceSession, Tensor } = createRequire(new URL("../../../runtime/package.json", import.meta.url))(
  "onnxruntime-node",
);

it("the trained model reads rendered lines", async () => {
  const session = await InferenceSession.create(ocrModelPath("recognition"), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const lines = ocrLines().test.slice(0, 24);
  const found: string[] = [];
  for (const [seed, line] of lines.entries()) {
    const { data, dims } = renderLine(line, { seed });
    const [scores] = Object.values(await session.run({ x: new Tensor("float32", data, dims) }));
    found.push(...readCharacters(scores as { dims: number[]; data: Float32Array }));
  }
  expect(characterAccuracy(lines, found).value).toBeGreaterThan(0.97);
});
