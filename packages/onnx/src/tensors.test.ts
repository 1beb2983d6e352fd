import { decodeModel, walkGraphs, walkTensors } from "@espalier/onnx";
import { buildModel, graph, node } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { richModel } from "../fixtures/rich-model.js";

const paths = (bytes: Uint8Array) => [...walkGraphs(decodeModel(bytes).proto)].map(({ path }) => path.join("/"));

describe("walkGraphs", () => {
  it("finds main graph, branches, functions and training graphs", () => {
    expect(paths(richModel())).toEqual([
      "main",
      "main/if/then_branch",
      "main/if/else_branch",
      "training/0/algorithm",
      "functions/com.example:Scale",
    ]);
  });

  it("names scopes apart whose nodes have one name or none", () => {
    const body = graph({ nodes: [] });
    const loop = (name?: string) => node("Loop", [], [], { body }, name === undefined ? {} : { name });
    const bytes = buildModel({ nodes: [loop("a"), node("Neg", [], []), loop("a"), loop(), loop(), loop("Loop#1")] });
    expect(paths(bytes).slice(1)).toEqual([
      "main/a#0/body",
      "main/a#1/body",
      "main/Loop#0/body",
      "main/Loop#1#/body",
      "main/Loop#1/body",
    ]);
  });

  it("tells the scope around a subgraph", () => {
    const inner = node("If", [], [], { then_branch: graph({ nodes: [] }) }, { name: "inner" });
    const outer = node("If", [], [], { then_branch: graph({ nodes: [inner] }) }, { name: "outer" });
    const scopes = [...walkGraphs(decodeModel(buildModel({ nodes: [outer] })).proto)];
    expect(scopes[2]!.path).toEqual(["main", "outer", "then_branch", "inner", "then_branch"]);
    expect(scopes[2]!.parent).toBe(scopes[1]);
    expect(scopes[1]!.parent).toBe(scopes[0]);
    expect(scopes[0]!.parent).toBe(undefined);
  });
});

describe("walkTensors", () => {
  it("finds every tensor with its role and scope", () => {
    const found = [...walkTensors(decodeModel(richModel()).proto)]
      .filter(({ tensor, role }) => role !== "initializer" || tensor.name.endsWith("weight"))
      .map(({ tensor, role, scope, node: holder, attribute }) =>
        [scope.path.at(-1), role, holder?.opType, attribute?.name, tensor.name].join(" "),
      );
    expect(found).toEqual([
      "main sparse-values   sparse_values",
      "main sparse-indices   sparse_indices",
      "main attribute Constant value constant",
      "main attribute Custom many listed_0",
      "main attribute Custom many listed_1",
      "main sparse-values Custom sparse attribute_values",
      "main sparse-indices Custom sparse attribute_indices",
      "then_branch initializer   then_weight",
      "else_branch initializer   else_weight",
      "algorithm initializer   training_weight",
      "com.example:Scale attribute  default_tensor function_default",
      "com.example:Scale attribute Constant value function_constant",
    ]);
  });
});
