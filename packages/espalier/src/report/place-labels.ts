/** A point on a drawing, in pixels, y downwards. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** The area that labels must stay in. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Half the sides of a label of one or two digits, and of a mark. */
const LABEL = { x: 8, y: 6 };
const MARK = 5;

/** Where a label may stand, nearest first; to the upper right before all. */
const DIRECTIONS = [-45, 0, -90, 45, -135, 180, 90, 135].map((degrees) => (degrees * Math.PI) / 180);
const DISTANCES = [16, 21, 27, 34, 44];

/**
 * Centres for the labels of points, one after the other: the first place that covers neither a mark nor a label that stands
 * already, or where there is none the one that covers least.
 *
 * @param points that get a label
 * @param marks all that should stay visible, the points among them
 */
export function placeLabels(points: readonly Place[], marks: readonly Place[], frame: Frame): Place[] {
  const placed: Place[] = [];
  for (const point of points) placed.push(bestPlace(point, placed, marks, frame));
  return placed;
}

function bestPlace(point: Place, placed: readonly Place[], marks: readonly Place[], frame: Frame): Place {
  let best = { place: point, cost: Number.POSITIVE_INFINITY };
  for (const place of candidates(point)) {
    const cost = costOf(place, placed, marks, frame);
    if (cost < best.cost) best = { place, cost };
    if (cost === 0) break;
  }
  return best.place;
}

function* candidates({ x, y }: Place): Generator<Place> {
  for (const distance of DISTANCES) {
    for (const angle of DIRECTIONS) yield { x: x + distance * Math.cos(angle), y: y + distance * Math.sin(angle) };
  }
}

/** A label under another is worse than one over a mark, outside it is lost. */
function costOf(place: Place, placed: readonly Place[], marks: readonly Place[], frame: Frame): number {
  const inside =
    place.x - LABEL.x >= frame.left &&
    place.x + LABEL.x <= frame.right &&
    place.y - LABEL.y >= frame.top &&
    place.y + LABEL.y <= frame.bottom;
  const near =
    (x: number, y: number) =>
    (other: Place): boolean =>
      Math.abs(other.x - place.x) < x && Math.abs(other.y - place.y) < y;
  const labels = placed.filter(near(2 * LABEL.x, 2 * LABEL.y)).length;
  return (inside ? 0 : 100) + 5 * labels + marks.filter(near(LABEL.x + MARK, LABEL.y + MARK)).length;
}
