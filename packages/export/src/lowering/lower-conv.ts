import { makeNode } from "@espalier/onnx";
import type { Lowering } from "./lower-product.js";
import type { ConvSite } from "./sites.js";

/** Writes a smaller convolution for every run of out channels that reads the same input channels. */
export function lowerConv(site: ConvSite, { index, writer, inputs, layout, packed }: Lowering): void {
  const output = site.node.output[0]!;
  const parts = layout.runs.map((run) => {
    const channels = inputs.channels(site.value, layout.units, run.kept);
    const kernel = packed.kernel(run, site.kernel);
    const bias = site.bias === undefined ? [] : [packed.bias(index.model, site.bias, run)];
    const node = makeNode("Conv", [channels, kernel, ...bias], [writer.name(`${output}/columns`)]);
    node.attribute = site.node.attribute;
    writer.add(node);
    return node.output[0]!;
  });
  if (parts.length > 1) writer.op("Concat", parts, `${output}/joined`, { axis: 1n });
  writer.nameLast(output);
}
