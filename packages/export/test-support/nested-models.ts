import { buildModel, functionBody, graph, type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import type { WeightCase } from "./weight-cases.js";

type Node = ReturnType<typeof node>;

/** A layer with a weight `W`, which reads `x` from around it and computes `y`. */
interface Layer {
  readonly nodes: readonly Node[];
  readonly initializers: readonly ReturnType<typeof tensor>[];
  /** The type of `y`, by its name and with so many more dimensions in front. */
  readonly output: (name: string, more?: number) => ReturnType<typeof valueInfo>;
}

/** Puts a layer, and where there is room for two another one, into a model whose inputs are `x` and the boolean `c`. */
type Holder = (layer: Layer, other: Layer) => Partial<ModelParts> & Pick<ModelParts, "nodes">;

const constants = ({ initializers }: Layer) =>
  initializers.map((value) => node("Constant", [], [value.name], { value }));

const asGraph = (layer: Layer) => graph({ ...layer, outputs: [layer.output("y")] });

const asGraphOfConstants = (layer: Layer) =>
  graph({ nodes: [...constants(layer), ...layer.nodes], outputs: [layer.output("y")] });

const choice = (then: ReturnType<typeof graph>, other: ReturnType<typeof graph>, output: string) =>
  node("If", ["c"], [output], { then_branch: then, else_branch: other }, { name: "if" });

/** A body of Loop around nodes that compute `y`. */
const loopBody = (nodes: readonly Node[], { output }: Layer, initializers: Layer["initializers"] = []) =>
  graph({
    nodes: [...nodes, node("Identity", ["going"], ["goes"]), node("Neg", ["sign"], ["turned"])],
    initializers,
    inputs: [valueInfo("i", "int64", []), valueInfo("going", "bool", []), valueInfo("sign", "float32", [])],
    outputs: [valueInfo("goes", "bool", []), valueInfo("turned", "float32", []), output("y")],
  });

const loop = (body: ReturnType<typeof graph>, { output }: Layer) => ({
  nodes: [node("Loop", ["n", "", "one"], ["last", "out"], { body }, { name: "loop" })],
  initializers: [tensor("n", [], BigInt64Array.of(2n)), tensor("one", [], Float32Array.of(1))],
  outputs: [output("out", 1)],
});

const withFunction = (nodes: readonly Node[], inputs: string[], { output }: Layer) => ({
  nodes: [
    node("Layer", inputs, ["a"], {}, { domain: "own", name: "first" }),
    node("Layer", inputs, ["b"], {}, { domain: "own", name: "second" }),
    node("Add", ["a", "b"], ["out"]),
  ],
  outputs: [output("out")],
  opsetImports: [{ domain: "own", version: 1 }],
  functions: [functionBody({ name: "Layer", domain: "own", inputs, outputs: ["y"], nodes })],
});

/** Every place for a weight outside the main graph, with the names that the weights have there. */
export const HOLDERS: Readonly<Record<string, { readonly weights: readonly string[]; readonly hold: Holder }>> = {
  "both branches of If": {
    weights: ["main/if/then_branch/W", "main/if/else_branch/W"],
    hold: (layer, other) => ({
      nodes: [choice(asGraph(layer), asGraph(other), "out")],
      outputs: [layer.output("out")],
    }),
  },
  "Constant nodes in If": {
    weights: ["main/if/then_branch/W", "main/if/else_branch/W"],
    hold: (layer, other) => ({
      nodes: [choice(asGraphOfConstants(layer), asGraphOfConstants(other), "out")],
      outputs: [layer.output("out")],
    }),
  },
  Loop: {
    weights: ["main/loop/body/W"],
    hold: (layer) => loop(loopBody(layer.nodes, layer, layer.initializers), layer),
  },
  Scan: {
    weights: ["main/scan/body/W"],
    hold: (layer) => ({
      nodes: [
        node(
          "Scan",
          ["steps"],
          ["out"],
          {
            body: graph({ ...layer, inputs: [valueInfo("step", "float32", [])], outputs: [layer.output("y")] }),
            num_scan_inputs: 1,
          },
          { name: "scan" },
        ),
      ],
      initializers: [tensor("steps", [2], Float32Array.of(1, 2))],
      outputs: [layer.output("out", 1)],
    }),
  },
  "If in Loop": {
    weights: ["main/loop/body/if/then_branch/W", "main/loop/body/if/else_branch/W"],
    hold: (layer, other) => loop(loopBody([choice(asGraph(layer), asGraph(other), "y")], layer), layer),
  },
  "a function, called twice": {
    weights: ["functions/own:Layer/W"],
    hold: (layer) => withFunction([...constants(layer), ...layer.nodes], ["x"], layer),
  },
  "If in a function": {
    weights: ["functions/own:Layer/if/then_branch/W", "functions/own:Layer/if/else_branch/W"],
    hold: (layer, other) => withFunction([choice(asGraph(layer), asGraph(other), "y")], ["x", "c"], layer),
  },
};

/** A model with the layer of a case outside its main graph; a second one, where there is room, has the elements backwards. */
export function nestedModel(one: WeightCase, holder: string, opset = 17): Uint8Array<ArrayBuffer> {
  const { dtype, dims } = feedOf(one);
  return buildModel({
    opset,
    inputs: [valueInfo("x", dtype, dims), valueInfo("c", "bool", [])],
    ...HOLDERS[holder]!.hold(layerOf(one), layerOf({ ...one, elements: backwards(one.elements) })),
  });
}

/** Numbers for the input `x` of {@link nestedModel}. */
export function feedOf({ others }: WeightCase) {
  const dims = others.find(({ name }) => name === "x")!.dims.map(Number);
  const size = dims.reduce((product, length) => product * length, 1);
  return { dtype: "float32", dims, data: random(11).float32(size) } as const;
}

function layerOf({ dims, elements, nodes, others }: WeightCase): Layer {
  const rank = nodes.some(({ opType }) => ["LSTM", "GRU"].includes(opType)) ? 4 : others[0]!.dims.length;
  return {
    nodes,
    initializers: [tensor("W", dims, elements), ...others.filter(({ name }) => name !== "x")],
    output: (name, more = 0) => {
      return valueInfo(
        name,
        "float32",
        Array.from({ length: rank + more }, (_, axis) => `${name}${axis}`),
      );
    },
  };
}

function backwards(elements: WeightCase["elements"]): WeightCase["elements"] {
  const copy = structuredClone(elements);
  ("bits" in copy ? copy.bits : copy).reverse();
  return copy;
}
