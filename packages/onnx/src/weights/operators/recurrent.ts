import { type LinearOperator, wrongRank } from "./linear-operator.js";

const STATES = ["initial hidden state", "initial cell state"];

/**
 * W `[directions, gates · hidden, in]` and R `[directions, gates · hidden, hidden]` of RNN, GRU and LSTM. Both directions
 * read the same X, so W is one group; each has a hidden state of its own, so R is one group per direction.
 */
function recurrent(op: string, states: readonly string[]): LinearOperator {
  return {
    op,
    inputs: ["data", "input weight", "recurrent weight", "bias", "sequence lengths", ...states, "peepholes"],
    weightInputs: [1, 2],
    matrix({ input }, shape) {
      const [directions, rows, inFeatures] = shape;
      if (directions === undefined || rows === undefined || inFeatures === undefined || shape.length !== 3) {
        return wrongRank(shape, "[directions, gates · hidden, features]");
      }
      return {
        outChannels: directions * rows,
        inFeatures,
        groups: input === 2 ? directions : 1,
        axes: [
          { size: directions * rows, role: "out", step: 1 },
          { size: inFeatures, role: "in", step: 1 },
        ],
      };
    },
  };
}

/** LSTM, GRU and RNN. */
export const lstm: LinearOperator = recurrent("LSTM", STATES);
export const gru: LinearOperator = recurrent("GRU", STATES.slice(0, 1));
export const rnn: LinearOperator = recurrent("RNN", STATES.slice(0, 1));
