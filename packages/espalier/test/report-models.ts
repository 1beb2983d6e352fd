import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";

/** What nobody should see run or turn a line around: markup, quotes, an entity, a right-to-left override, an isolate. */
export const HOSTILE = `<script>alert("x")</script>'&amp;\u202Etxt.exe\u2066`;

/**
 * A chain of MatMul by square weights of 64, each 0.25 on most entries; pruned ones keep two of four along their inputs. One
 * weight has a name that attacks whoever shows it.
 *
 * @param layers how many, at least two
 */
export function reportModel(layers: number, pruned: boolean): Uint8Array<ArrayBuffer> {
  const size = 64;
  const names = Array.from({ length: layers }, (_, layer) => (layer === 1 ? HOSTILE : `block.${layer}/dense/kernel`));
  const value = (index: number, layer: number): number => {
    const [inFeature, outChannel] = [Math.floor(index / size), index % size];
    return pruned && (inFeature + outChannel + layer) % 4 < 2 ? 0 : 0.25 * Math.sin(index + layer) || 0.1;
  };
  return buildModel({
    nodes: names.map((name, layer) => node("MatMul", [layer === 0 ? "x" : `h${layer}`, name], [output(layer, layers)])),
    initializers: names.map((name, layer) =>
      tensor(
        name,
        [size, size],
        Float32Array.from({ length: size * size }, (_, index) => value(index, layer)),
      ),
    ),
    inputs: [valueInfo("x", "float32", ["n", size])],
    outputs: [valueInfo("y", "float32", ["n", size])],
  });
}

function output(layer: number, layers: number): string {
  return layer === layers - 1 ? "y" : `h${layer + 1}`;
}
