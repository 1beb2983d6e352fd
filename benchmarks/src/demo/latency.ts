import { openRunner, type Sample } from "@espalier/runtime";

const ROUNDS = 40;

/**
 * Milliseconds of one run of each model: the median of {@link ROUNDS} rounds in which the models take turns, so that a
 * disturbance of the machine hits all of them alike. One thread.
 */
export async function medianLatencies(models: readonly string[], feeds: Sample): Promise<number[]> {
  const runners = await Promise.all(models.map((path) => openRunner(path, { threads: 1 })));
  const times = runners.map((): number[] => []);
  for (let round = -5; round < ROUNDS; round++) {
    for (const [index, runner] of runners.entries()) {
      const start = performance.now();
      await runner.run(feeds);
      if (round >= 0) times[index]!.push(performance.now() - start); // rounds below 0 warm up
    }
  }
  await Promise.all(runners.map((runner) => runner.close()));
  return times.map((of) => of.sort((a, b) => a - b)[ROUNDS / 2]!);
}
