import type { NodeProto } from "@espalier/onnx";
import type { Dim, Shape } from "./dim.js";
import type { Entries, KnownValue } from "./known-value.js";
import type { Symbols } from "./symbols.js";

/** A node as a rule sees it. */
export interface RuleInput {
  readonly node: NodeProto;
  /** Version of the operators of the node's domain. */
  readonly opset: number;
  readonly symbols: Symbols;
  /** Numbers behind named sizes. */
  readonly known: ReadonlyMap<string, number>;
  /** What is known of an input; undefined where that is nothing, or there is no such input. */
  value(input: number): KnownValue | undefined;
  shape(input: number): Shape | undefined;
  entries(input: number): Entries | undefined;
  /** Whole numbers at an input; undefined where one is not known now. */
  numbers(input: number): readonly number[] | undefined;
  int(attribute: string, fallback: number): number;
  ints(attribute: string): readonly number[] | undefined;
  text(attribute: string): string | undefined;
  /** The size that two broadcast sizes make. */
  broadcast(a: Dim, b: Dim): Dim;
}

/** What a rule finds out about the outputs of a node, in their order. */
export type RuleOutput = readonly (KnownValue | undefined)[];

/** Tells shapes of a node's outputs from those of its inputs; empty where nothing can be told. */
export type Rule = (input: RuleInput) => RuleOutput;

/** Outputs of which only the shape is known. */
export function shapes(...all: readonly (Shape | undefined)[]): RuleOutput {
  return all.map((shape) => shape && { shape });
}

/** An axis counted from the end where it is negative; undefined outside the rank. */
export function axisOf(axis: number, rank: number): number | undefined {
  const positive = axis < 0 ? axis + rank : axis;
  return positive >= 0 && positive < rank ? positive : undefined;
}

/** Numpy's broadcasting of shapes. */
export function broadcastShapes(a: Shape, b: Shape, broadcast: RuleInput["broadcast"]): Shape {
  const rank = Math.max(a.length, b.length);
  const at = (shape: Shape, axis: number): Dim => shape[axis - (rank - shape.length)] ?? [];
  return Array.from({ length: rank }, (_, axis) => broadcast(at(a, axis), at(b, axis)));
}
