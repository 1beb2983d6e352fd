import type { DtypeName } from "../dtype.js";
import type { TensorProto } from "../proto.js";
import { layoutOverBuffer, rowMajor, shapeOf } from "./buffer-order.js";
import { AttributeResolver, type Place } from "./call-frame.js";
import { constantAt, integersOf } from "./constant-lookup.js";
import type { Dequantization } from "./dequantization.js";
import type { ScopeIndex } from "./index-scopes.js";
import type { MatrixLayout } from "./matrix-layout.js";
import { describeNode, nodeLabel, operatorName, quote } from "./node-names.js";
import { MAX_RANK, type NodeReading, type TracedValue } from "./node-reading.js";
import { linearOperatorOf } from "./operators/operators.js";
import { passageOf } from "./passages/passages.js";
import { type Location, Routes } from "./routes.js";
import type { Reader } from "./scope.js";
import type { Consumer } from "./weight.js";

/**
 * Work behind the borders of subgraphs and functions, over the whole model: readers, and attributes of the nodes they are.
 * Many constants can come out at one place there and one can take many ways, so that a small file can mean billions;
 * real models need some ten per weight.
 */
const MAX_CROSSED_STEPS = 200_000;

/** A constant to be followed to its consumers. */
export interface Source extends Location {
  readonly dtype: DtypeName;
  readonly shape: readonly number[];
}

/** What one consumer makes of a constant. */
export type Finding =
  | {
      readonly kind: "matrix";
      readonly consumer: Consumer;
      /** Over the constant's own buffer, canonical. */
      readonly layout: MatrixLayout;
      readonly dequantization: Dequantization | undefined;
    }
  | { readonly kind: "refused"; readonly consumer?: Consumer; readonly reason: string }
  /** Reads the shape only. */
  | { readonly kind: "indifferent"; readonly consumer: Consumer };

interface Arrival extends Location {
  readonly value: TracedValue;
  /** Whether it came across the border of a subgraph or function. */
  readonly crossed: boolean;
}

type NodeReader = Reader & { kind: "node" };

/** Follows constants through a model to the nodes that use them. */
export class Tracer {
  readonly #routes: Routes;
  readonly #attributes: AttributeResolver;
  readonly #bytesOf: (tensor: TensorProto) => Uint8Array;
  #crossedSteps = 0;

  constructor(index: ScopeIndex, bytesOf: (tensor: TensorProto) => Uint8Array) {
    this.#routes = new Routes(index);
    this.#attributes = new AttributeResolver(index);
    this.#bytesOf = bytesOf;
  }

  /** All consumers of a constant and what they make of it, nearest first. A way is never taken twice, so that cycles end. */
  trace(source: Source): readonly Finding[] {
    const quantized = source.dtype === "int8" || source.dtype === "uint8";
    const value = { dtype: source.dtype, order: rowMajor(source.shape), quantized, dequantization: undefined };
    const findings: Finding[] = [];
    const visits = new Visits();
    const pending: Arrival[] = [{ ...source, value, crossed: false }];
    for (const arrival of pending) {
      const visit = visits.add(arrival);
      if (visit === "other") findings.push(refused(`brought to the value ${quote(arrival.name)} in two forms`));
      if (visit !== "new") continue;
      for (const reader of readersOf(arrival)) {
        if (!this.#mayStep(arrival, reader))
          return [refused("handed on in more subgraphs and calls than are followed")];
        for (const next of this.#read(arrival, reader)) "kind" in next ? findings.push(next) : pending.push(next);
      }
    }
    return findings;
  }

  /** Counts what costs more than once per node of the model; false when it was too much. */
  #mayStep({ crossed }: Arrival, reader: Reader): boolean {
    if (!crossed && reader.kind === "node") return true;
    this.#crossedSteps += 1 + (reader.kind === "node" ? reader.node.attribute.length : 0);
    return this.#crossedSteps <= MAX_CROSSED_STEPS;
  }

  #read(arrival: Arrival, reader: Reader): readonly (Finding | Arrival)[] {
    const { value, place } = arrival;
    const across = (location: Location): Arrival => ({ ...location, value, crossed: true });
    if (reader.kind === "output") {
      const locations = this.#routes.out(reader, place.frame);
      if (typeof locations === "string") return [refused(locations)];
      this.#crossedSteps += locations.length;
      return locations.map(across);
    }
    const location = this.#routes.intoFunction(reader, place.frame);
    if (typeof location === "string") return [refused(location, reader)];
    return location ? [across(location)] : [this.#readAtNode(arrival, reader)];
  }

  #readAtNode({ place, value, crossed }: Arrival, reader: NodeReader): Finding | Arrival {
    const { node, input, scope } = reader;
    const operator = linearOperatorOf(node);
    const passage = passageOf(node);
    const known = operator ?? passage;
    if (known === undefined) return readByOther(reader);
    if (!(operator?.weightInputs ?? [0]).includes(input)) {
      return refused(`${known.inputs[input] ?? `input ${input}`} of ${describeNode(node)}`, reader);
    }
    const here = { scope, frame: place.frame };
    const attributes = this.#attributes.resolve(node.attribute, here);
    if (typeof attributes === "string") {
      return refused(`read by ${describeNode(node)}, whose ${attributes} depends on the function call`, reader);
    }
    const reading = this.#readingOf(reader, here, attributes);
    if (operator) return multiplied(value, reader, operator.matrix(reading, shapeOf(value.order)));
    const passed = passage?.pass(value, reading);
    if (typeof passed !== "object") return refused(`${describeNode(node)} ${passed}`, reader);
    return { place: here, name: node.output[0] ?? "", value: passed, crossed };
  }

  #readingOf({ node, input }: NodeReader, place: Place, attributes: NodeReading["attributes"]): NodeReading {
    const constantOf = (position: number) => {
      const name = node.input[position] ?? "";
      return name === "" ? undefined : constantAt(place, name, this.#attributes);
    };
    return {
      node,
      input,
      attributes,
      has: (position) => (node.input[position] ?? "") !== "",
      integers: (position) => {
        const constant = constantOf(position);
        return constant && integersOf(constant, MAX_RANK, this.#bytesOf);
      },
      tensor: (position) => {
        const constant = constantOf(position);
        return constant?.kind === "tensor" ? constant.tensor : undefined;
      },
    };
  }
}

/** Which locations were reached, and with which layout. */
class Visits {
  readonly #values = new Map<Place["frame"], Map<Place["scope"], Map<string, TracedValue>>>();

  add({ place, name, value }: Arrival): "new" | "same" | "other" {
    const scopes = getOrAdd(this.#values, place.frame, () => new Map());
    const values = getOrAdd(scopes, place.scope, () => new Map<string, TracedValue>());
    const before = values.get(name);
    if (before === undefined) {
      values.set(name, value);
      return "new";
    }
    return before === value || sameForm(before, value) ? "same" : "other";
  }
}

function sameForm(a: TracedValue, b: TracedValue): boolean {
  const sameMeaning = a.quantized === b.quantized && a.dequantization === b.dequantization;
  return sameMeaning && JSON.stringify(a.order) === JSON.stringify(b.order);
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = create();
  map.set(key, value);
  return value;
}

function readersOf({ place, name }: Location): readonly Reader[] {
  return name === "" ? [] : (place.scope.readers.get(name) ?? []);
}

/** The nodes that read a constant directly, for constants that no way makes prunable. */
export function directConsumers(source: Location): Consumer[] {
  return readersOf(source).flatMap((reader) => (reader.kind === "node" ? [consumerOf(reader)] : []));
}

function consumerOf({ node, input, scope }: NodeReader): Consumer {
  return { node: nodeLabel(node), op: operatorName(node), input, scope: scope.path, proto: node };
}

function refused(reason: string, reader?: NodeReader): Finding {
  return { kind: "refused", reason, ...(reader && { consumer: consumerOf(reader) }) };
}

function readByOther(reader: NodeReader): Finding {
  const op = operatorName(reader.node);
  if (op === "Shape" || op === "Size") return { kind: "indifferent", consumer: consumerOf(reader) };
  if (op === "Loop" || op === "Scan") {
    return refused(`carried by ${describeNode(reader.node)}, which may change it from step to step`, reader);
  }
  return refused(`read by ${describeNode(reader.node)}, which is not a linear operator`, reader);
}

function multiplied(value: TracedValue, reader: NodeReader, matrix: MatrixLayout | string): Finding {
  const refuse = (why: string): Finding => refused(`${describeNode(reader.node)} ${why}`, reader);
  if (typeof matrix === "string") return refuse(matrix);
  if (value.quantized) return refuse(`reads ${value.dtype} values without DequantizeLinear in between`);
  const layout = layoutOverBuffer(matrix, value.order);
  if (layout === undefined) return refuse("reads it reshaped so that its axes mix in the buffer");
  return { kind: "matrix", consumer: consumerOf(reader), layout, dequantization: value.dequantization };
}
