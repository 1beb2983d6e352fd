import { create, createRegistry, equals, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  decodeModel,
  encodeModel,
  type GraphProto,
  type GraphRewrite,
  type Model,
  makeNode,
  makeTensor,
  rewriteGraph,
  tensorBytes,
  walkGraphs,
  walkTensors,
  withTensorData,
} from "@espalier/onnx";
import { buildModel, graph, node, tensor } from "@espalier/testkit";
import { FunctionProtoSchema, ModelProtoSchema, NodeProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { richModel, text, varintField } from "../fixtures/rich-model.js";
import { concat, record } from "./wire-record.js";

const readBack = (model: Model) => decodeModel(encodeModel(model));

/** Operators of every graph and function, and its initializers. */
function shape(model: Model): Record<string, string> {
  return Object.fromEntries(
    [...walkGraphs(model.proto)].map(({ path, nodes, graph }) => {
      const ops = nodes.map(({ opType, output }) => `${opType}:${output.join("+")}`);
      const sparse = graph?.sparseInitializer.map(({ values }) => values!.name) ?? [];
      return [
        path.join("/"),
        [...ops, "|", ...(graph?.initializer ?? []).map(({ name }) => name), ...sparse].join(" "),
      ];
    }),
  );
}

function floats(model: Model, name: string): number[] {
  const { tensor } = [...walkTensors(model.proto)].find((entry) => {
    return entry.tensor.name === name && entry.role !== "sparse-indices";
  })!;
  return [...new Float32Array(tensorBytes(model, tensor).buffer)];
}

const graphAt = (model: Model, path: string): GraphProto => {
  return [...walkGraphs(model.proto)].find((scope) => scope.path.join("/") === path)!.graph!;
};

/** If in an If, both with a tensor `W` and nothing behind them, so that all ends fall together. */
function nested(): Model {
  const inner = graph({
    nodes: [node("Mul", ["x", "V"], ["i"])],
    initializers: [tensor("V", [1], Float32Array.of(3))],
    outputs: [],
  });
  const branch = (prefix: string, last: ReturnType<typeof node>[]) => {
    return graph({
      nodes: [node("Add", ["x", "W"], [`${prefix}y`]), ...last],
      initializers: [tensor("W", [1], Float32Array.of(prefix === "t" ? 1 : 2), "typed")],
      outputs: [],
    });
  };
  const inElse = node("If", ["c"], ["j"], { then_branch: inner }, { name: "inner" });
  const attributes = { then_branch: branch("t", []), else_branch: branch("e", [inElse]) };
  return decodeModel(
    buildModel({
      nodes: [node("Neg", ["x"], ["n"]), node("If", ["c"], ["y"], attributes, { name: "if" })],
      initializers: [],
    }),
  );
}

const THEN = "main/if/then_branch";
const ELSE = "main/if/else_branch";
const INNER = "main/if/else_branch/inner/then_branch";

describe("rewriteGraph inside other graphs", () => {
  it("leaves all other bytes as they are: nodes, unknown fields, data of every form", () => {
    const given = richModel();
    const model = decodeModel(given);
    const branch = graphAt(model, "main/if/then_branch");
    const rewritten = rewriteGraph(model, {
      remove: new Set(branch.initializer),
      inside: new Map([
        [
          branch,
          { prepend: [makeNode("Neg", ["x"], ["a"])], initializers: [makeTensor("b", [1], Float32Array.of(3))] },
        ],
      ]),
    });
    const before = fromBinary(ModelProtoSchema, given);
    const after = fromBinary(ModelProtoSchema, encodeModel(rewritten));
    const changed = after.graph!.node[2]!.attribute[0]!.g!;
    expect([changed.node.map(({ opType }) => opType), changed.initializer.map(({ name }) => name)]).toEqual([
      ["Neg"],
      ["b"],
    ]);
    after.graph!.node[2]!.attribute[0]!.g = before.graph!.node[2]!.attribute[0]!.g!;
    expect(equals(ModelProtoSchema, before, after, { unknown: true, registry: createRegistry() })).toBe(true);
    expect(floats(rewritten, "else_weight")).toEqual([1, 2, 3, 4]);
  });

  it("changes graphs in each other at once, each in its place", () => {
    const model = nested();
    const addition = (name: string, sparse = false) => ({
      prepend: [makeNode("Identity", [`${name}/stored`], [`${name}/first`])],
      initializers: [
        {
          name: `${name}/stored`,
          dataType: 1,
          dims: [2],
          data: () => new Uint8Array(Float32Array.of(...(sparse ? [7] : [7, 8])).buffer),
          ...(sparse && { sparse: { count: 1, indices: () => new Uint8Array(8) } }),
        },
      ],
    });
    const add = graphAt(model, ELSE).node[0]!;
    const rewritten = rewriteGraph(model, {
      ...addition("main"),
      replace: new Map([[add, [makeNode("Abs", ["x"], ["ea"]), { ...add, input: ["ea", "W"] }]]]),
      remove: new Set(graphAt(model, INNER).initializer),
      inside: new Map([
        [graphAt(model, THEN), addition("then")],
        [graphAt(model, ELSE), addition("else")],
        [
          graphAt(model, INNER),
          { ...addition("inner", true), prepend: [makeNode("Identity", ["inner/stored"], ["V"])] },
        ],
      ]),
    });
    for (const result of [rewritten, readBack(rewritten)]) {
      expect(shape(result)).toEqual({
        main: "Identity:main/first Neg:n If:y | main/stored",
        [THEN]: "Identity:then/first Add:ty | W then/stored",
        [ELSE]: "Identity:else/first Abs:ea Add:ey If:j | W else/stored",
        [INNER]: "Identity:V Mul:i | inner/stored",
      });
      expect(floats(result, "then/stored")).toEqual([7, 8]);
      expect(floats(result, "inner/stored")).toEqual([7]);
      expect(
        [...walkTensors(result.proto)]
          .filter(({ tensor }) => tensor.name === "W")
          .map(({ tensor }) => {
            return new Float32Array(tensorBytes(result, tensor).buffer)[0];
          }),
      ).toEqual([1, 2]);
    }
  });

  it("keeps apart what is added to graphs that end at the same byte", () => {
    const negation = toBinary(NodeProtoSchema, node("Neg", ["x"], ["i"]));
    const branch = record(1, negation);
    const attribute = concat([varintField(20, 5), record(1, text("then_branch")), record(6, branch)]);
    const choice = concat([record(2, text("y")), record(4, text("If")), record(5, attribute)]);
    const model = decodeModel(record(7, concat([record(5, new Uint8Array()), record(1, choice)])));
    const rewritten = rewriteGraph(model, {
      initializers: [makeTensor("outer", [1], Float32Array.of(1))],
      inside: new Map([
        [graphAt(model, "main/If/then_branch"), { initializers: [makeTensor("inner", [1], Float32Array.of(2))] }],
      ]),
      opset: 13,
    });
    expect(shape(readBack(rewritten))).toEqual({ main: "If:y |  outer", "main/If/then_branch": "Neg:i | inner" });
  });

  it("carries edits of tensors in changed graphs along", () => {
    const model = nested();
    const [weight] = graphAt(model, THEN).initializer;
    const edited = withTensorData(model, new Map([[weight!, () => new Uint8Array(Float32Array.of(9).buffer)]]));
    const inside = new Map([[graphAt(model, THEN), { prepend: [makeNode("Neg", ["W"], ["a"])] }]]);
    expect(floats(readBack(rewriteGraph(edited, { inside })), "W")).toEqual([9]);
  });

  it("gives functions Constant nodes in place of initializers, sparse ones too", () => {
    const model = decodeModel(richModel());
    const [body] = model.proto.functions;
    const data = () => new Uint8Array(Float32Array.of(5).buffer);
    const indices = () => new Uint8Array(BigInt64Array.of(3n).buffer);
    const rewritten = rewriteGraph(model, {
      replace: new Map([[body!.node[0]!, [makeNode("Add", ["p", "q"], ["s"])]]]),
      inside: new Map([
        [
          body!,
          {
            prepend: [makeNode("Neg", ["p"], ["r"])],
            initializers: [
              makeTensor("p", [1], Float32Array.of(4)),
              { name: "q", dataType: 1, dims: [4], data, sparse: { count: 1, indices } },
            ],
          },
        ],
      ]),
    });
    for (const result of [rewritten, readBack(rewritten)]) {
      expect(shape(result)["functions/com.example:Scale"]).toBe("Constant:p Constant:q Neg:r Add:s Mul:b |");
      expect([floats(result, "p"), floats(result, "q"), floats(result, "function_default")]).toEqual([[4], [5], [4]]);
      const { attribute } = result.proto.functions[0]!.node[1]!;
      expect([attribute[0]!.name, attribute[0]!.sparseTensor!.dims]).toEqual(["sparse_value", [4n]]);
    }
  });

  it("lets graphs that do not see each other have values of one name", () => {
    const model = nested();
    const [then, other] = [graphAt(model, THEN), graphAt(model, ELSE)];
    const addition = { prepend: [makeNode("Neg", ["x"], ["a"])] };
    const rewritten = rewriteGraph(model, {
      remove: new Set([then.initializer[0]!]),
      inside: new Map([
        [then, { prepend: [makeNode("Neg", ["x"], ["a"]), makeNode("Abs", ["x"], ["W"])] }],
        [other, addition],
      ]),
    });
    expect(shape(readBack(rewritten))[THEN]).toBe("Neg:a Abs:W Add:ty |");
  });

  it("lets a value that hides another one be computed by another node", () => {
    const branch = graph({ nodes: [node("Neg", ["x"], ["y"], {}, { name: "hiding" })], outputs: [] });
    const choice = node("If", ["c"], ["y"], { then_branch: branch }, { name: "if" });
    const model = decodeModel(buildModel({ nodes: [choice] }));
    const replace = new Map([[graphAt(model, THEN).node[0]!, [makeNode("Abs", ["x"], ["y"])]]]);
    expect(shape(readBack(rewriteGraph(model, { replace })))[THEN]).toBe("Abs:y |");
    const twice = { replace, inside: new Map([[graphAt(model, THEN), neg("y")]]) };
    expect(() => rewriteGraph(model, twice)).toThrow('"y"');
  });

  const body = () => create(FunctionProtoSchema, { name: "F" });
  const neg = (output: string) => ({ prepend: [makeNode("Neg", ["x"], [output])] });
  it.each<[string, (model: Model) => GraphRewrite, string]>([
    ["a name of the graph around", (model) => ({ inside: new Map([[graphAt(model, THEN), neg("n")]]) }), '"n"'],
    ["a name of a graph inside", (model) => ({ inside: new Map([[graphAt(model, ELSE), neg("V")]]) }), '"V"'],
    [
      "a name that is new in the graph around too",
      (model) => ({ ...neg("z"), inside: new Map([[graphAt(model, INNER), neg("z")]]) }),
      '"z"',
    ],
    [
      "a name of its own that is still there",
      (model) => ({ inside: new Map([[graphAt(model, THEN), neg("W")]]) }),
      '"W"',
    ],
    [
      "a value that is read and gone",
      (model) => ({ remove: new Set(graphAt(model, INNER).initializer) }),
      '"V" is still read',
    ],
    [
      "a change inside a node that is replaced",
      (model) => ({
        replace: new Map([[model.proto.graph!.node[1]!, [makeNode("Neg", ["x"], ["y"])]]]),
        inside: new Map([[graphAt(model, INNER), neg("z")]]),
      }),
      '"if" is replaced',
    ],
    ["a function of another model", () => ({ inside: new Map([[body(), neg("z")]]) }), '"F" is not in the model'],
  ])("refuses %s", (_, rewrite, message) => {
    const model = nested();
    expect(() => rewriteGraph(model, rewrite(model))).toThrow(
      expect.objectContaining({ code: "malformed", message: expect.stringContaining(message) }),
    );
  });

  it("lets a value move out to the graph around", () => {
    const model = nested();
    const inner = graphAt(model, INNER);
    const rewritten = rewriteGraph(model, {
      remove: new Set(inner.initializer),
      initializers: [makeTensor("V", [1], Float32Array.of(3))],
    });
    expect(shape(readBack(rewritten))).toMatchObject({ main: "Neg:n If:y | V", [INNER]: "Mul:i |" });
  });
});
