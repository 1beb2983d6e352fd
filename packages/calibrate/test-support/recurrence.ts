import { dot } from "./patches.js";

/** What a recurrent operator is given, all row-major as ONNX defines them. */
export interface Recurrence {
  readonly op: "LSTM" | "GRU" | "RNN";
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly steps: number;
  readonly batch: number;
  readonly features: number;
  readonly hidden: number;
  /** `[steps, batch, features]`. */
  readonly x: ArrayLike<number>;
  /** `[directions, gates · hidden, features]` and `[directions, gates · hidden, hidden]`. */
  readonly w: Float32Array;
  readonly r: Float32Array;
  /** `[directions, batch, hidden]`. */
  readonly initial: ArrayLike<number> | undefined;
  /** Steps of each sample. */
  readonly lengths: readonly number[];
  readonly linearBeforeReset: boolean;
}

/** What a recurrent operator computes. */
export interface Recurred {
  /** `[steps, directions, batch, hidden]`. */
  readonly y: number[];
  /** For each direction the hidden states that R was multiplied with, one for each step of each sample. */
  readonly states: number[][][];
}

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

/** Runs LSTM, GRU or RNN step by step in float64, without biases, as the ONNX operators define them. */
export function recur(given: Recurrence): Recurred {
  const { steps, batch, hidden } = given;
  const reversed = given.direction === "bidirectional" ? [false, true] : [given.direction === "reverse"];
  const y = new Array<number>(steps * reversed.length * batch * hidden).fill(0);
  const states = reversed.map((isReversed, d) => {
    const seen: number[][] = [];
    for (let n = 0; n < batch; n++) {
      const start = (d * batch + n) * hidden;
      let h = Array.from({ length: hidden }, (_, i) => given.initial?.[start + i] ?? 0);
      const cell = new Array<number>(hidden).fill(0);
      const order = [...Array(given.lengths[n]).keys()];
      for (const t of isReversed ? order.reverse() : order) {
        seen.push(h);
        h = step(given, d, t * batch + n, h, cell);
        for (const [i, value] of h.entries()) y[((t * reversed.length + d) * batch + n) * hidden + i] = value;
      }
    }
    return seen;
  });
  return { y, states };
}

/** One step of one sample; changes the cell state in place. */
function step(
  { op, x, w, r, features, hidden, linearBeforeReset }: Recurrence,
  d: number,
  row: number,
  h: number[],
  cell: number[],
): number[] {
  const gates = { LSTM: 4, GRU: 3, RNN: 1 }[op];
  const input = Array.from({ length: features }, (_, f) => x[row * features + f]!);
  const rows = (weight: Float32Array, width: number, gate: number, i: number): Float32Array => {
    const from = ((d * gates + gate) * hidden + i) * width;
    return weight.subarray(from, from + width);
  };
  const ofInput = (gate: number, i: number): number => dot(rows(w, features, gate, i), input);
  const ofState = (gate: number, i: number, state = h): number => dot(rows(r, hidden, gate, i), state);
  const units = h.map((_, i) => i);
  if (op === "RNN") return units.map((i) => Math.tanh(ofInput(0, i) + ofState(0, i)));
  if (op === "LSTM") {
    // Gates in the order input, output, forget, cell.
    return units.map((i) => {
      const [input, output, forget] = [0, 1, 2].map((gate) => sigmoid(ofInput(gate, i) + ofState(gate, i)));
      cell[i] = forget! * cell[i]! + input! * Math.tanh(ofInput(3, i) + ofState(3, i));
      return output! * Math.tanh(cell[i]!);
    });
  }
  // Gates in the order update, reset, hidden.
  const reset = units.map((i) => sigmoid(ofInput(1, i) + ofState(1, i)));
  const kept = h.map((value, i) => reset[i]! * value);
  return units.map((i) => {
    const update = sigmoid(ofInput(0, i) + ofState(0, i));
    const fromState = linearBeforeReset ? reset[i]! * ofState(2, i) : ofState(2, i, kept);
    return (1 - update) * Math.tanh(ofInput(2, i) + fromState) + update * h[i]!;
  });
}
