// A star has columns that are much higher than the flow is wide. Its branches then stand in several piles beside each
// other, between what feeds them and what they lead to.
import { WIDTH } from "./card.js";

export const GAP = 64;
export const SPREAD = 36;
// Wider than high, as a screen is.
export const SHAPE = 1.6;

// rows: {id, x, y, height} in columns; links: pairs of ids. The same rows at their new places.
export function folded(rows, links) {
  const columns = [...new Set(rows.map((row) => row.x))].sort((a, b) => a - b);
  const columnOf = new Map(rows.map((row) => [row.id, columns.indexOf(row.x)]));
  const [first, last] = crowded(columns.map((x) => rows.filter((row) => row.x === x).length));
  const side = (test) => rows.filter((row) => test(columnOf.get(row.id)));
  const branches = branchesOf(side((column) => column >= first && column <= last), links);
  const step = columns[last] - columns[first] + WIDTH + GAP * 1.5;
  const piles = piled(branches, Math.max(1, Math.round(Math.sqrt((heightOf(branches.flat()) * SHAPE) / step))));
  const inside = piles.flatMap((pile, number) => stacked(pile, number * step));
  const height = Math.max(...inside.map((row) => row.y + row.height));
  const before = centred(side((column) => column < first), height, 0);
  const after = centred(side((column) => column > last), height, (piles.length - 1) * step);
  const all = [...before, ...inside, ...after];
  const top = Math.min(...all.map((row) => row.y));
  return all.map((row) => ({ ...row, y: Math.round(row.y - top) }));
}

// The first and the last column that hold more than half of what the fullest holds.
function crowded(counts) {
  const full = (count) => count > Math.max(...counts) / 2;
  return [counts.findIndex(full), counts.findLastIndex(full)];
}

// Rows that feed one another belong together, from top to bottom.
function branchesOf(rows, links) {
  const branchOf = new Map();
  const feeders = new Map();
  for (const [from, to] of links) feeders.set(to, [...(feeders.get(to) ?? []), from]);
  for (const row of rows.toSorted((a, b) => a.x - b.x || a.y - b.y)) {
    const feeder = (feeders.get(row.id) ?? []).find((id) => branchOf.has(id));
    const branch = feeder ? branchOf.get(feeder) : [];
    branch.push(row);
    branchOf.set(row.id, branch);
  }
  return [...new Set(branchOf.values())].sort((a, b) => a[0].y - b[0].y);
}

// How high these stand: the highest of their columns.
function heightOf(rows) {
  const heights = new Map();
  for (const row of rows) heights.set(row.x, (heights.get(row.x) ?? -SPREAD) + row.height + SPREAD);
  return Math.max(...heights.values());
}

// About as many piles, of about the same height.
function piled(branches, count) {
  const whole = branches.reduce((sum, branch) => sum + heightOf(branch) + SPREAD, 0);
  const piles = [[]];
  let height = 0;
  for (const branch of branches) {
    if (height > 0 && height + heightOf(branch) / 2 > whole / count) {
      piles.push([]);
      height = 0;
    }
    piles.at(-1).push(branch);
    height += heightOf(branch) + SPREAD;
  }
  return piles;
}

function stacked(pile, right) {
  const places = [];
  let top = 0;
  for (const branch of pile) {
    const used = new Map();
    for (const row of branch) {
      const down = used.get(row.x) ?? 0;
      places.push({ ...row, x: row.x + right, y: top + down });
      used.set(row.x, down + row.height + SPREAD);
    }
    top += heightOf(branch) + SPREAD;
  }
  return places;
}

// Columns beside the piles, in the middle of their height.
function centred(rows, height, right) {
  return [...new Set(rows.map((row) => row.x))].flatMap((x) => {
    const column = rows.filter((row) => row.x === x).toSorted((a, b) => a.y - b.y);
    let top = (height - heightOf(column)) / 2;
    return column.map((row) => {
      const place = { ...row, x: row.x + right, y: top };
      top += row.height + SPREAD;
      return place;
    });
  });
}
