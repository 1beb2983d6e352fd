import { decodeModel, type Model } from "@espalier/onnx";
import { buildModel, graph, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { structuralDifferences } from "./structure.js";
import { tensorDifferences } from "./tensor-differences.js";

interface Parts {
  readonly branch?: number;
  readonly constant?: number;
  readonly op?: string;
  readonly text?: string;
  readonly unknown?: number;
}

/** An If with weights in its branches, a Constant node, a list attribute and a field that no version of ONNX has. */
function build({ branch = 2, constant = 3, op = "Add", text = "a", unknown }: Parts): Model {
  const outputs = [valueInfo("z", "float32", [2])];
  const side = (value: number) =>
    graph({
      nodes: [node(op, ["x", "w"], ["z"], { note: text })],
      initializers: [tensor("w", [2], Float32Array.of(1, value))],
      outputs,
    });
  const bytes = buildModel({
    nodes: [
      node("Constant", [], ["c"], { value: tensor("", [1, 2], Float32Array.of(constant, 4)) }),
      node("If", ["flag"], ["y"], { then_branch: side(branch), else_branch: side(9) }, { name: "choose" }),
    ],
    inputs: [valueInfo("flag", "bool", []), valueInfo("x", "float32", [2])],
    outputs: [valueInfo("y", "float32", [2])],
  });
  // Field 99, wire type 0 (varint): tag 99 · 8 = 0x318, as a varint 0x98 0x06.
  return decodeModel(unknown === undefined ? bytes : Uint8Array.of(...bytes, 0x98, 0x06, unknown));
}

function structure(original: Parts, pruned: Parts): string[] {
  return [...structuralDifferences(build(original).proto, build(pruned).proto, "")];
}

function tensors(original: Parts, pruned: Parts): string[] {
  return [...tensorDifferences(build(original), build(pruned), new Set())];
}

describe("structuralDifferences", () => {
  it("finds none between two equal models, whatever their tensors hold", () => {
    expect(structure({}, {})).toEqual([]);
    expect(structure({}, { branch: 7, constant: 8 })).toEqual([]);
  });

  it("names a node inside a branch by the way to it", () => {
    expect(structure({}, { op: "Sub" })).toEqual([
      'graph.node[1] "choose".attribute[0] "then_branch".g.node[0] "z".opType: "Add" became "Sub"',
      'graph.node[1] "choose".attribute[1] "else_branch".g.node[0] "z".opType: "Add" became "Sub"',
    ]);
  });

  it("shows texts that are stored as bytes", () => {
    expect(structure({}, { text: "b" })[0]).toMatch(/attribute\[0\] "note"\.s: "a" became "b"$/);
  });

  it("sees fields that it does not know", () => {
    expect(structure({ unknown: 1 }, { unknown: 1 })).toEqual([]);
    expect(structure({ unknown: 1 }, { unknown: 2 })).toHaveLength(1);
    expect(structure({ unknown: 1 }, {})).toEqual([expect.stringContaining("$unknown")]);
  });

  it("cuts long values, so that a hostile model cannot flood a message", () => {
    const [difference] = structure({}, { text: "x".repeat(1e5) });
    expect(difference!.length).toBeLessThan(200);
  });

  it("compares lists entry by entry, and names what one of two lists lacks", () => {
    const message = (ints: bigint[]) => ({ $typeName: "t", ints });
    expect([...structuralDifferences(message([1n, 2n]), message([1n, 3n]), "n")]).toEqual(["n.ints[1]: 2 became 3"]);
    expect([...structuralDifferences(message([1n, 2n, 2n]), message([2n]), "n")]).toEqual([
      'n.ints: 3 entries became 1, gone: "1", "2"',
    ]);
    const many = Array.from({ length: 9 }, (_, index) => BigInt(index));
    expect([...structuralDifferences(message([]), message(many), "n")]).toEqual([
      'n.ints: 0 entries became 9, new: "0", "1", "2" and 6 more',
    ]);
  });
});

describe("tensorDifferences", () => {
  it("finds none between equal tensors", () => {
    expect(tensors({}, {})).toEqual([]);
  });

  it("names tensors in branches and in Constant nodes, and their first different element", () => {
    expect(tensors({}, { branch: -2 })).toEqual([
      'initializer "w" in main/choose/then_branch at [1]: bits 0x40000000 became 0xc0000000',
    ]);
    expect(tensors({}, { constant: 5 })).toEqual([
      'attribute "value" of Constant "c" at [0, 0]: bits 0x40400000 became 0x40a00000',
    ]);
  });

  it("leaves out the tensors that are judged elsewhere", () => {
    const pruned = build({ constant: 5 });
    const value = pruned.proto.graph!.node[0]!.attribute[0]!.t!;
    expect([...tensorDifferences(build({}), pruned, new Set([value]))]).toEqual([]);
  });
});
