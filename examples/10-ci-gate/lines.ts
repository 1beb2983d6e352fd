import { ocrLines, renderLine } from "@espalier/testkit";

/** What is written on the pictures. */
export const texts = ocrLines().test.slice(0, 60);

/** Lines of a book as pictures `x` [1, 3, 48, W]: the inputs that the gate runs both models on. */
export default texts.map((text, seed) => {
  const { dims, data } = renderLine(text, { seed });
  return { x: { dtype: "float32" as const, dims, data } };
});
