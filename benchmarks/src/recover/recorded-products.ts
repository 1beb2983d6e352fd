import type { MatrixProducts, ProductShape } from "@espalier/recover";
import { random } from "@espalier/testkit";

interface Call {
  readonly shape: ProductShape;
  readonly double: boolean;
}

/** Matrix products that remember what was asked of them, so that the same work can be timed with nothing around it. */
export class RecordedProducts implements MatrixProducts {
  readonly #products: MatrixProducts;
  readonly #calls: Call[] = [];

  constructor(products: MatrixProducts) {
    this.#products = products;
  }

  /** Multiplications in all products so far: Σ m·n·k. */
  get multiplications(): number {
    return this.#calls.reduce((sum, { shape: { m, n, k } }) => sum + m * n * k, 0);
  }

  multiply<Values extends Float32Array | Float64Array>(a: Values, b: Values, shape: ProductShape): Promise<Values> {
    this.#calls.push({ shape, double: a instanceof Float64Array });
    return this.#products.multiply(a, b, shape);
  }

  /** Seconds that products of the same shapes and precisions take, one after the other, of numbers that are there already. */
  async replay(): Promise<number> {
    const numbers = new Map<string, Float32Array | Float64Array>();
    for (const { shape, double } of this.#calls) {
      for (const length of [shape.m * shape.k, shape.k * shape.n]) {
        const key = `${double} ${length}`;
        if (!numbers.has(key)) numbers.set(key, normal(length, double));
      }
    }
    const start = performance.now();
    for (const { shape, double } of this.#calls) {
      const a = numbers.get(`${double} ${shape.m * shape.k}`)!;
      const b = numbers.get(`${double} ${shape.k * shape.n}`)!;
      await this.#products.multiply(a, b, shape);
    }
    return (performance.now() - start) / 1000;
  }

  close(): Promise<void> {
    return this.#products.close();
  }
}

function normal(length: number, double: boolean): Float32Array | Float64Array {
  const values = random(length).float32(length);
  return double ? Float64Array.from(values) : values;
}
