// A second checker of certificates, written from docs/certificates.md and
// docs/mathematics.md alone, in another language, without packages:
//
//     node check.mjs INSTANCE CERTIFICATE
//     node check.mjs --many        (pairs of file names on standard input, two a line)
//
// Prints `proved: value in [a, b]`, or the first line at fault and ends with 1.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const BITS = 256n;
const ONE = 1n << BITS;
const LARGEST_STEPS = 20_000_000;

class Fault extends Error {}
const fail = (why) => {
  throw new Fault(why);
};
const need = (holds, why) => holds || fail(why);

// --- JSON: whole numbers become BigInt, others Number, objects Map -----------------

function parse(text) {
  let at = 0;
  const blank = () => {
    while (" \t\n\r".includes(text[at] ?? "x")) at++;
  };
  const string = () => {
    let out = "";
    at++;
    for (;;) {
      const mark = text[at++];
      if (mark === undefined || mark < " ") fail("a text without an end, or with a control");
      if (mark === '"') break;
      if (mark !== "\\") {
        out += mark;
        continue;
      }
      const next = text[at++];
      const simple = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
      if (next in simple) out += simple[next];
      else if (next === "u" && /^[0-9a-fA-F]{4}$/.test(text.slice(at, at + 4))) {
        out += String.fromCharCode(parseInt(text.slice(at, at + 4), 16));
        at += 4;
      } else fail("an escape that is none");
    }
    need(out.isWellFormed(), "half a surrogate pair");
    return out;
  };
  const value = (depth) => {
    need(depth < 200, "brackets nested too deep");
    blank();
    const mark = text[at];
    if (mark === '"') return string();
    if (mark === "[") {
      const out = [];
      at++;
      blank();
      if (text[at] === "]") return at++, out;
      for (;;) {
        out.push(value(depth + 1));
        blank();
        const next = text[at++];
        if (next === "]") return out;
        need(next === ",", "no comma between entries");
      }
    }
    if (mark === "{") {
      const out = new Map();
      at++;
      blank();
      if (text[at] === "}") return at++, out;
      for (;;) {
        blank();
        need(text[at] === '"', "a key that is no text");
        const key = string();
        need(!out.has(key), "a key twice in one object");
        blank();
        need(text[at++] === ":", "no colon behind a key");
        out.set(key, value(depth + 1));
        blank();
        const next = text[at++];
        if (next === "}") return out;
        need(next === ",", "no comma between fields");
      }
    }
    for (const [word, meant] of [["true", true], ["false", false], ["null", null]]) {
      if (text.startsWith(word, at)) return (at += word.length), meant;
    }
    const number = /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
    number.lastIndex = at;
    const found = number.exec(text);
    need(found, "what is no JSON");
    at += found[0].length;
    need(found[0].length < 4000, "a number of thousands of digits");
    return found[2] || found[3] ? Number(found[0]) : BigInt(found[0]);
  };
  const content = value(0);
  blank();
  need(at === text.length, "more behind the value");
  return content;
}

function utf8(bytes) {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

// --- numbers ------------------------------------------------------------------------

// Exact: multiples of 2^-1074 / 10^12, in which every binary64 and every tolerance of
// 1.001e-9 of one is a whole number.
const TINY = 1074n;
const EXACT = (1n << TINY) * 10n ** 12n;
const OVERRUN = 1001n; // of 10^12
const floorDiv = (a, b) => {
  const q = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? q - 1n : q;
};
const ceilDiv = (a, b) => -floorDiv(-a, b);
const view = new DataView(new ArrayBuffer(8));
function exact(x) {
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const power = (bits >> 52n) & 2047n;
  const fraction = bits & ((1n << 52n) - 1n);
  const size = power ? (fraction | (1n << 52n)) << (power - 1n) : fraction;
  return (bits >> 63n ? -size : size) * 10n ** 12n;
}
const down = (e) => floorDiv(e << BITS, EXACT);
const up = (e) => ceilDiv(e << BITS, EXACT);
const times = (a, b) => (a * b) >> BITS; // rounds down, also below 0
const timesUp = (a, b) => -((-a * b) >> BITS);
const over = (a, b) => floorDiv(a << BITS, b);
const overUp = (a, b) => ceilDiv(a << BITS, b);
const min = (a, b) => (a < b ? a : b);
const max = (a, b) => (a > b ? a : b);

// A hexadecimal number of at least 0, exact.
function hex(text) {
  need(typeof text === "string", "no hexadecimal number");
  const found = /^0x([01])(?:\.([0-9a-f]{1,13}))?p([+-][0-9]{1,4})$/.exec(text);
  need(found, "no hexadecimal number of at least 0");
  const digits = found[2] ?? "";
  const top = BigInt("0x" + found[1] + digits);
  const power = TINY + BigInt(found[3].replace("+", "")) - BigInt(4 * digits.length);
  need(power < 2200n, "a number beyond binary64");
  if (power >= 0n) return (top << power) * 10n ** 12n;
  need((top & ((1n << -power) - 1n)) === 0n, "a number beyond binary64");
  return (top >> -power) * 10n ** 12n;
}
const fixed = (text) => down(hex(text));

// Logarithms of at least 1 (top / bottom), in multiples of 2^-256, low and high.
function artanh(top, bottom) {
  // sum of z^(2k+1) / (2k+1), z = top/bottom <= 1/3
  const low = over(top, bottom);
  const high = overUp(top, bottom);
  let sum = [0n, 0n];
  let power = [low, high];
  const square = [times(low, low), timesUp(high, high)];
  for (let k = 0n; k < 90n; k++) {
    sum = [sum[0] + power[0] / (2n * k + 1n), sum[1] + ceilDiv(power[1], 2n * k + 1n)];
    power = [times(power[0], square[0]), timesUp(power[1], square[1])];
  }
  return [sum[0], sum[1] + 2n * power[1] + 1n];
}
const LOG2 = artanh(1n, 3n).map((each) => 2n * each);
function logarithm(top, bottom) {
  let k = 0n;
  while (top >= 2n * bottom) {
    bottom *= 2n;
    k++;
  }
  // top/bottom in [1, 2): z = (t-b)/(t+b) <= 1/3
  const [low, high] = artanh(top - bottom, top + bottom);
  return [2n * low + k * LOG2[0], 2n * high + k * LOG2[1]];
}
function expDown(s) {
  // e^-s from below: s = k ln 2 + r
  if (s <= 0n) return ONE;
  const k = s / LOG2[1];
  let r = s - k * LOG2[0];
  if (r < 0n) r = 0n;
  let power = ONE;
  let sum = ONE;
  for (let n = 1n; n < 120n; n++) {
    power = ceilDiv(power * r, ONE * n);
    sum += power;
  }
  return over(ONE, sum + 2n * power + 2n) >> k; // e^r from above
}

// --- instance files -----------------------------------------------------------------

const BLANK = "[\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const ENDS = new RegExp(`^${BLANK}|${BLANK}$`, "u");
const text = (v) => {
  need(typeof v === "string" && !ENDS.test(v), "no text without blanks at its ends");
  return v;
};
const id = (v) => {
  const n = [...text(v)].length;
  need(n >= 1 && n <= 2000, "a text that is empty or too long");
  return v;
};
const truth = (v) => (need(typeof v === "boolean", "neither true nor false"), v);
const whole = (low, high) => (v) => {
  need(typeof v === "bigint" && v >= low && v <= high, "no whole number in its range");
  return v;
};
const number = (test) => (v) => {
  need(typeof v === "bigint" || typeof v === "number", "no number");
  const x = Number(v);
  need(Number.isFinite(x) && test(x), "a number out of its range");
  return x;
};
const list = (item, least = 0) => (v) => {
  need(Array.isArray(v) && v.length >= least, "no list, or one too short");
  return v.map(item);
};
const amount = number((x) => x >= 0 && x <= 1e15);
const coefficient = number((x) => Math.abs(x) <= 1e9);
const chance = number((x) => x > 0 && x <= 1);
const position = (v) => Number(whole(0n, 1n << 52n)(v));
const nodeNumber = whole(-(1n << 63n), (1n << 63n) - 1n);
const node = (v) => (typeof v === "string" ? text(v) : nodeNumber(v));
const column = (v) => (v === null ? null : list(number(() => true))(v));
const amounts = (v) => {
  need(v instanceof Map, "no object");
  return new Map([...v].map(([key, each]) => [text(key), amount(each)]));
};
const record = (fields, optional = {}) => (v) => {
  need(v instanceof Map, "no object");
  for (const key of v.keys()) need(key in fields || key in optional, "a field that is not known");
  const out = {};
  for (const key in fields) {
    need(v.has(key), `no field ${key}`);
    out[key] = fields[key](v.get(key));
  }
  for (const key in optional) {
    const [reader, otherwise] = optional[key];
    out[key] = v.has(key) ? reader(v.get(key)) : otherwise;
  }
  return out;
};
const said = (v) => [v, ""];
const INSTANCE = record(
  {
    name: text,
    nodes: record(
      {
        id: (v) => {
          need(Array.isArray(v) && v.length, "no nodes");
          return typeof v[0] === "string" ? v.map(text) : v.map(nodeNumber);
        },
      },
      { lon: [column, null], lat: [column, null] },
    ),
    arcs: record({ tail: list(node), head: list(node), reliability: list(chance) }),
    evaders: list(
      record(
        { id, origin: node, destination: node, weight: amount },
        { routes: [list(record({ arcs: list(position, 1), share: chance })), []], label: said(text) },
      ),
      1,
    ),
  },
  {
    schema_version: [whole(1n, 2n), 2n],
    options: [
      list(
        record(
          {
            id,
            effects: list(record({ arc: position, survival: number((x) => x >= 0 && x < 1) })),
          },
          {
            uses: [amounts, new Map()],
            change: [amounts, new Map()],
            site: said(text),
            agency: said(text),
            kind: said(text),
            label: said(text),
            type: said(text),
            existing: [truth, false],
            forced: [truth, false],
            forbidden: [truth, false],
          },
        ),
      ),
      [],
    ],
    resources: [
      list(record({ id, budget: amount }, { agency: said(text), unit: said(text), name: said(text) })),
      [],
    ],
    agencies: [list(id), []],
    exclusions: [list(list(id)), []],
    requirements: [
      list(
        record({
          id,
          terms: list(record({ option: id }, { coefficient: [coefficient, 1] })),
          least: coefficient,
        }),
      ),
      [],
    ],
    patrols: [(v) => need(v === null, "an instance with teams"), null],
  },
);
const once = (names) => {
  const place = new Map(names.map((name, k) => [name, k]));
  need(place.size === names.length, "a name twice");
  return place;
};
const found = (place, name) => {
  need(place.has(name), "a name that is not known");
  return place.get(name);
};

class Instance {
  constructor(bytes) {
    this.digest = createHash("sha256").update(bytes).digest("hex");
    let content = utf8(bytes);
    if (content.startsWith("\ufeff")) content = content.slice(1);
    const data = INSTANCE(parse(content));
    const place = once(data.nodes.id);
    const { lon, lat } = data.nodes;
    need((lon === null) === (lat === null), "lon without lat");
    for (const each of [lon, lat]) need(each === null || each.length === place.size, "columns of nodes");
    const { tail, head, reliability } = data.arcs;
    need(tail.length === head.length && head.length === reliability.length, "columns of arcs");
    this.nNodes = place.size;
    this.tail = tail.map((name) => found(place, name));
    this.head = head.map((name) => found(place, name));
    this.reliability = reliability.map(exact);
    this.effects = tail.map(() => new Map());
    const { options, resources } = data;
    this.nOptions = options.length;
    const named = once(options.map((o) => o.id));
    once(data.evaders.map((e) => e.id));
    once(data.requirements.map((r) => r.id));
    const resource = once(resources.map((r) => r.id));
    for (const owner of [...options, ...resources])
      need(!owner.agency || data.agencies.includes(owner.agency), "an agency that is not known");
    this.forced = new Set();
    this.forbidden = new Set();
    options.forEach((o, j) => {
      need(!(o.forced && o.forbidden), "an option forced and forbidden");
      if (o.forced) this.forced.add(j);
      if (o.forbidden) this.forbidden.add(j);
      for (const { arc, survival } of o.effects) {
        need(arc < tail.length && !this.effects[arc].has(j), "an arc unknown or named twice");
        this.effects[arc].set(j, exact(survival));
      }
      for (const name of [...o.uses.keys(), ...o.change.keys()]) {
        const owner = resources[found(resource, name)].agency;
        need(!o.agency || owner === "" || owner === o.agency, "a resource of another agency");
      }
    });
    // what a plan must keep
    const today = new Map();
    options.forEach((o) => {
      if (o.existing && o.site && o.type) today.set(JSON.stringify([o.site, o.type, o.agency]), o);
    });
    this.uses = options.map((o) => {
      const stands = o.existing ? o : today.get(JSON.stringify([o.site, o.type, o.agency]));
      return resources.map((r) => {
        const use = exact(o.uses.get(r.id) ?? 0);
        const all = stands
          ? use - exact(stands.change.get(r.id) ?? 0)
          : use + exact(o.change.get(r.id) ?? 0);
        need(all >= 0n, "closing takes more than is used");
        return all;
      });
    });
    this.capacity = resources.map((r) => {
      const stated = exact(r.budget);
      let left = stated + (stated / 10n ** 12n) * OVERRUN;
      for (const o of options) if (o.existing) left -= exact(o.change.get(r.id) ?? 0);
      return left;
    });
    const groups = new Map();
    options.forEach((o, j) => {
      if (o.site) groups.set(o.site, [...(groups.get(o.site) ?? []), j]);
    });
    this.groups = [...groups.values()].filter((each) => each.length > 1);
    for (const group of data.exclusions) {
      once(group);
      this.groups.push(group.map((name) => found(named, name)));
    }
    this.requirements = data.requirements.map(({ terms, least }) => {
      once(terms.map((t) => t.option));
      const row = new Map(terms.map((t) => [found(named, t.option), exact(t.coefficient)]));
      let size = EXACT + exact(Math.abs(least));
      for (const c of row.values()) size += c < 0n ? -c : c;
      return { row, least: exact(least) - (size / 10n ** 12n) * OVERRUN };
    });
    this.rows = {
      budget: this.capacity.map((c, r) => ({
        side: down(-c),
        row: new Map(this.uses.flatMap((use, j) => (use[r] ? [[j, up(-use[r])]] : []))),
      })),
      conflict: this.groups.map((group) => ({
        side: -ONE,
        row: new Map(group.map((j) => [j, -ONE])),
      })),
      requirement: this.requirements.map(({ row, least }) => ({
        side: down(least),
        row: new Map([...row].map(([j, c]) => [j, up(c)])),
      })),
    };
    this.evaders(data.evaders, place);
  }

  evaders(evaders, place) {
    this.ends = new Map(); // "origin destination" to weight
    this.routes = new Map(); // "evader route" to weight (exact, of 2^-1074) and arcs
    const out = Array.from({ length: this.nNodes }, () => []);
    this.tail.forEach((node, a) => out[node].push(a));
    this.out = out;
    const reached = new Map();
    evaders.forEach((e, k) => {
      const from = found(place, e.origin);
      const to = found(place, e.destination);
      need(from !== to, "an evader that stays where it is");
      let shares = 0;
      e.routes.forEach((route, i) => {
        const ends = this.walk(route.arcs);
        need(ends[0] === from && ends[1] === to, "a route with other ends");
        shares += route.share;
        this.routes.set(`${k} ${i}`, {
          weight: (exact(e.weight) * exact(route.share)) / 10n ** 12n, // over 2^1074 once more
          more: 1n << TINY,
          arcs: route.arcs,
        });
      });
      need(!e.routes.length || Math.abs(shares - 1) <= 1e-6, "shares that do not sum to 1");
      if (!reached.has(from)) {
        const seen = new Set([from]);
        const waiting = [from];
        while (waiting.length)
          for (const a of out[waiting.pop()])
            if (!seen.has(this.head[a])) {
              seen.add(this.head[a]);
              waiting.push(this.head[a]);
            }
        reached.set(from, seen);
      }
      need(reached.get(from).has(to), "an evader without a path");
      if (!e.routes.length && e.weight > 0) {
        const key = `${from} ${to}`;
        this.ends.set(key, (this.ends.get(key) ?? 0n) + exact(e.weight));
      }
    });
  }

  walk(arcs) {
    need(arcs.length > 0, "a walk over no arcs");
    arcs.forEach((a, i) => {
      need(Number.isInteger(a) && a >= 0 && a < this.tail.length, "an arc that is none");
      need(i === 0 || this.head[arcs[i - 1]] === this.tail[a], "arcs that do not follow one another");
    });
    return [this.tail[arcs[0]], this.head[arcs.at(-1)]];
  }

  // Value of a walk with forced options placed, and what each other option leaves of it.
  left(arcs) {
    let value = ONE;
    const left = new Map();
    for (const a of arcs) {
      value = times(value, down(this.reliability[a]));
      for (const [j, s] of this.effects[a])
        if (this.forced.has(j)) value = times(value, down(s));
        else if (!this.forbidden.has(j)) left.set(j, times(left.get(j) ?? ONE, down(s)));
    }
    return [value, left];
  }

  keeps(plan) {
    const placed = new Set(plan);
    need(placed.size === plan.length, "an option twice in a plan");
    for (const j of this.forced) need(placed.has(j), "a plan without a forced option");
    for (const j of this.forbidden) need(!placed.has(j), "a plan with a forbidden option");
    this.capacity.forEach((c, r) => {
      let used = 0n;
      for (const j of placed) used += this.uses[j][r];
      need(used <= c, "a plan over budget");
    });
    for (const group of this.groups)
      need(group.filter((j) => placed.has(j)).length <= 1, "a plan against an exclusion");
    for (const { row, least } of this.requirements) {
      let sum = 0n;
      for (const [j, c] of row) if (placed.has(j)) sum += c;
      need(sum >= least, "a plan short of a requirement");
    }
    return this.tail.map((_, a) => {
      let s = up(this.reliability[a]);
      for (const [j, e] of this.effects[a]) if (placed.has(j)) s = timesUp(s, up(e));
      return s;
    });
  }

  // Largest products (rounded up) from every node to a goal.
  onwards(survival, goal) {
    this.into ??= this.head.reduce(
      (all, node, a) => (all[node].push(a), all),
      Array.from({ length: this.nNodes }, () => []),
    );
    const best = new Array(this.nNodes).fill(0n);
    const done = new Uint8Array(this.nNodes);
    const heap = new Heap();
    best[goal] = ONE;
    heap.push(ONE, goal);
    while (heap.size) {
      const [value, here] = heap.pop();
      if (done[here]) continue;
      done[here] = 1;
      for (const a of this.into[here]) {
        const other = this.tail[a];
        const through = timesUp(survival[a], value);
        if (through > best[other]) {
          best[other] = through;
          heap.push(through, other);
        }
      }
    }
    return best;
  }

  // What a mixture lets through at most.
  value(mixture) {
    let sum = 0n;
    for (const [p] of mixture) sum += p;
    need(sum > 0n, "a mixture of nothing");
    const parts = mixture.map(([p]) => ceilDiv(p << BITS, sum));
    const survivals = mixture.map(([, plan]) => this.keeps(plan));
    let total = 0n;
    for (const { weight, more, arcs } of this.routes.values()) {
      let mean = 0n;
      survivals.forEach((s, m) => {
        let value = parts[m];
        for (const a of arcs) value = timesUp(value, s[a]);
        mean += value;
      });
      total += timesUp(ceilDiv(weight << BITS, EXACT * more), mean);
    }
    const tables = new Map();
    for (const [key, weight] of this.ends) {
      const [from, to] = key.split(" ").map(Number);
      if (!tables.has(to)) tables.set(to, survivals.map((s) => this.onwards(s, to)));
      total += timesUp(up(weight), this.achieved(from, to, parts, survivals, tables.get(to)));
    }
    return total;
  }

  achieved(from, to, parts, survivals, onwards) {
    const bound = (node, s) =>
      s.reduce((sum, each, m) => sum + timesUp(parts[m], timesUp(each, onwards[m][node])), 0n);
    const heap = new Heap();
    const start = parts.map(() => ONE);
    heap.push(bound(from, start), [from, start]);
    const settled = new Map();
    for (let labels = 1; heap.size; labels++) {
      const [best, [node, s]] = heap.pop();
      if (node === to || labels > 20000 || best === 0n) return best;
      const known = settled.get(node) ?? [];
      if (known.some((other) => other.every((each, m) => each >= s[m]))) continue;
      settled.set(node, [...known, s]);
      for (const a of this.out[node]) {
        const next = s.map((each, m) => timesUp(each, survivals[m][a]));
        const value = bound(this.head[a], next);
        if (value > 0n) heap.push(value, [this.head[a], next]);
      }
    }
    return 0n;
  }
}

class Heap {
  constructor() {
    this.items = [];
  }
  get size() {
    return this.items.length;
  }
  push(key, value) {
    const items = this.items;
    let k = items.push([key, value]) - 1;
    while (k > 0) {
      const parent = (k - 1) >> 1;
      if (items[parent][0] >= items[k][0]) break;
      [items[parent], items[k]] = [items[k], items[parent]];
      k = parent;
    }
  }
  pop() {
    const items = this.items;
    const top = items[0];
    const last = items.pop();
    if (items.length) {
      items[0] = last;
      for (let k = 0; ; ) {
        let child = 2 * k + 1;
        if (child >= items.length) break;
        if (child + 1 < items.length && items[child + 1][0] > items[child][0]) child++;
        if (items[k][0] >= items[child][0]) break;
        [items[k], items[child]] = [items[child], items[k]];
        k = child;
      }
    }
    return top;
  }
}

// --- certificates -------------------------------------------------------------------

class Node {
  constructor(from) {
    this.placed = new Set(from?.placed);
    this.excluded = new Set(from?.excluded);
    this.splits = from ? [...from.splits] : []; // { sets, closed }
    this.hulls = from ? [...from.hulls] : [];
    this.floor = new Map(from?.floor);
    this.empty = from?.empty ?? false;
  }
}

class Checker {
  constructor(instance, lines) {
    this.instance = instance;
    this.lines = lines;
    this.line = 0;
    this.segments = [];
    this.paths = []; // { u, value, left }
    this.cuts = [];
    this.rows = [];
    this.weights = []; // of commodities: low and high
    this.informed = new Map();
    this.onPath = new Map();
    this.usedRoutes = new Set();
    this.arcs = 0;
    this.steps = 0;
  }

  next() {
    need(this.line < this.lines.length, "the file ends before its end");
    const line = this.lines[this.line++];
    need(line.length <= 1 << 23, "a line that is too long");
    const content = parse(utf8(line));
    need(Array.isArray(content) && typeof content[0] === "string", "no list that begins with a word");
    return content;
  }

  run() {
    const statement = this.next();
    need(
      statement.length === 3 && statement[0] === "certificate" && statement[1] === 1n,
      "no certificate of version 1",
    );
    const said = statement[2];
    need(said instanceof Map && said.size === 4, "a statement of other fields");
    need(said.get("instance") === this.instance.digest, "of another instance");
    const lower = hex(said.get("lower"));
    const claimed = hex(said.get("value"));
    const mixed = said.has("mixture");
    const mixture = mixed ? said.get("mixture") : [["0x1.0000000000000p+0", said.get("plan")]];
    need(Array.isArray(mixture) && mixture.length >= 1 && mixture.length <= 1000, "no mixture");
    const plans = mixture.map((part) => {
      const [p, plan] = tuple(part, 2);
      return [hex(p), array(plan).map((j) => this.option(j))];
    });
    const value = this.instance.value(plans);
    need(lower <= claimed, "a lower bound above the value of the plan");
    need(value <= up(claimed) + (up(claimed) >> 29n), "the plan lets more through than claimed");
    const informed = new Map(this.instance.ends);
    if (mixed) this.strategy();
    else for (const [key, weight] of informed) this.informed.set(key, this.commodity(weight, 1n));
    for (;;) {
      const line = this.next();
      const [word] = line;
      if (word === "proof") break;
      if (word === "segment") {
        const arcs = array(tuple(line, 2)[1]).map(index);
        this.segments.push({ arcs, ends: this.instance.walk(arcs) });
      } else if (word === "path") this.path(line);
      else if (word === "routes") this.fixedRoutes(line);
      else if (word === "cut") this.cut(line);
      else if (word === "row") {
        const cuts = array(tuple(line, 2)[1]).map((k) => at(this.cuts, k));
        const members = new Set(cuts.map((cut) => cut.paths[0].u));
        need(members.size === cuts.length, "two cuts of one commodity in a row");
        this.rows.push({ cuts, members });
      } else if (word === "lemma") this.lemma(line);
      else fail("a line that is not known here");
    }
    this.prove(up(lower), new Set(this.weights.keys()), new Map());
    need(this.next()[0] === "end" && this.line === this.lines.length, "more after the end");
    return [down(lower), max(value, up(claimed))];
  }

  option(j) {
    const k = index(j);
    need(k < this.instance.nOptions, "an option that is none");
    return k;
  }

  commodity(weight, more) {
    return (
      this.weights.push({
        low: floorDiv(weight << BITS, EXACT * more),
        high: ceilDiv(weight << BITS, EXACT * more),
      }) - 1
    );
  }

  strategy() {
    const line = this.next();
    need(line[0] === "strategy" && line.length === 2, "a mixture without a strategy");
    const left = new Map(this.instance.ends);
    array(line[1]).forEach((each, n) => {
      const [walk, weight] = tuple(each, 2);
      const arcs = array(walk).map(index);
      const key = this.instance.walk(arcs).join(" ");
      need(left.has(key), "a path of no evader");
      left.set(key, left.get(key) - hex(weight));
      need(left.get(key) >= 0n, "paths of more weight together than their evaders have");
      this.instance.routes.set(`-1 ${n}`, { weight: hex(weight), more: 1n, arcs });
    });
  }

  pathOf(u, value, claims, actual) {
    const left = new Map();
    for (const each of array(claims)) {
      const [j, rho] = tuple(each, 2);
      const k = this.option(j);
      need(!left.has(k), "an option twice");
      left.set(k, min(ONE, fixed(rho)));
    }
    for (const [j, s] of actual) need((left.get(j) ?? ONE) <= s, "an option leaves less");
    const path = { u, value, left };
    this.paths.push(path);
    if (!this.onPath.has(u)) this.onPath.set(u, []);
    this.onPath.get(u).push(path);
  }

  walked(numbers) {
    const own = array(numbers).map((k) => at(this.segments, k));
    for (const { arcs } of own) this.arcs += arcs.length;
    need(this.arcs <= 20_000_000, "paths of too many arcs");
    need(own.length > 0, "a path of no segments");
    own.forEach((each, i) => need(!i || own[i - 1].ends[1] === each.ends[0], "segments do not follow"));
    return own;
  }

  path(line) {
    need(line.length === 4 || line.length === 5, "a path of other parts");
    const own = this.walked(line[1]);
    const key = `${own[0].ends[0]} ${own.at(-1).ends[1]}`;
    need(this.informed.has(key), "a path of no informed evader");
    const around = new Map();
    for (const each of line.length > 4 ? array(line[4]) : []) {
      const [k, segments, counted] = tuple(each, 3);
      const at = index(k);
      need(at < own.length && !around.has(at), "a detour of no segment");
      around.set(at, [this.walked(segments), array(counted).map((j) => this.option(j))]);
    }
    let value = ONE;
    const left = new Map();
    own.forEach((section, k) => {
      const [worth, shares] = this.instance.left(section.arcs);
      value = times(value, worth);
      const leaves = around.has(k) ? this.detour(section, worth, shares, ...around.get(k)) : shares;
      for (const [j, s] of leaves) left.set(j, times(left.get(j) ?? ONE, s));
    });
    const claimed = fixed(line[2]);
    need(claimed <= value, "a path is worth less");
    this.pathOf(this.informed.get(key), claimed, line[3], left);
  }

  detour(section, worth, shares, walk, counted) {
    need(
      walk[0].ends[0] === section.ends[0] && walk.at(-1).ends[1] === section.ends[1],
      "a detour with other ends",
    );
    need(shares.size > 0, "a detour around no option");
    const [other, leaves] = this.instance.left(walk.flatMap((each) => each.arcs));
    for (const j of shares.keys()) need(!leaves.has(j), "a detour over an option of its segment");
    let share = worth === 0n ? ONE : min(ONE, over(other, worth));
    need(new Set(counted).size === counted.length, "an option of a detour twice");
    for (const j of counted) {
      need(leaves.has(j), "an option that is not on the detour");
      share = times(share, leaves.get(j));
      leaves.delete(j);
    }
    let all = ONE;
    for (const s of shares.values()) all = times(all, s);
    const out = new Map();
    for (const [j, s] of shares) out.set(j, max(s, share));
    for (const [j, s] of leaves) {
      const whole = share === 0n ? s : min(ONE, over(all, share));
      out.set(j, max(s, whole));
    }
    return share === 0n ? shares : out;
  }

  fixedRoutes(line) {
    const [, routes, value, claims] = tuple(line, 4);
    let sum = 0n;
    const least = new Map();
    const all = array(routes).map((each) => {
      const [k, i] = tuple(each, 2);
      const key = `${k} ${i}`;
      need(typeof k === "bigint" && typeof i === "bigint", "no positions");
      need(this.instance.routes.has(key) && !this.usedRoutes.has(key), "a route unknown or used");
      this.usedRoutes.add(key);
      return this.instance.routes.get(key);
    });
    need(all.length > 0, "no routes");
    for (const { weight, more, arcs } of all) {
      const [worth, left] = this.instance.left(arcs);
      sum += times(floorDiv(weight << BITS, EXACT * more), worth);
      for (const [j, s] of left) least.set(j, min(least.get(j) ?? ONE, s));
    }
    const claimed = fixed(value);
    need(claimed <= sum, "routes are worth less");
    this.pathOf(this.commodity(EXACT, 1n), claimed, claims, least);
  }

  cut(line) {
    need(line.length >= 4 && line.length <= 5, "a cut of other parts");
    const family = line[1];
    need(["star", "chord", "tangent"].includes(family), "a cut of no family");
    const taken = new Set(array(line[2]).map((j) => this.option(j)));
    const paths = array(line[3]).map((k) => at(this.paths, k));
    need(paths.length > 0 && paths.every((p) => p.u === paths[0].u), "a cut of several commodities");
    need(family === "star" || paths.length === 1, "a cut of several paths");
    const depth = line.length > 4 ? fixed(line[4]) : 0n;
    this.cuts.push({ family, taken, paths, depth, at: new Map() });
  }

  // The row theta >= a - sum b x, b >= 0, under a floor; one below the floor is the floor.
  cutAt(cut, floor) {
    if (!cut.at.has(floor)) {
      const [a, b] = this[cut.family](cut, floor);
      const row = a < floor ? [floor, new Map()] : [a, b];
      for (const [j, c] of row[1]) row[1].set(j, min(c, row[0] - floor));
      if (cut.at.size > 20) cut.at.clear();
      cut.at.set(floor, row);
    }
    return cut.at.get(floor);
  }

  // In the order of the line: a path worth more than the one before counts as worth the same.
  star({ taken, paths }, floor) {
    const levels = [];
    for (const path of paths) {
      let value = path.value;
      for (const [j, s] of path.left) if (taken.has(j)) value = times(value, s);
      value = max(value, floor);
      levels.push(levels.length ? min(value, levels[levels.length - 1]) : value);
    }
    const b = new Map();
    paths.forEach((path, i) => {
      const step = levels[i] - (i + 1 < levels.length ? levels[i + 1] : floor);
      for (const [j, s] of path.left)
        if (!taken.has(j)) b.set(j, (b.get(j) ?? 0n) + min(step, timesUp(levels[i], ONE - s)));
    });
    return [levels[0], b];
  }

  chord({ taken, paths: [path] }) {
    let value = path.value;
    let q = ONE;
    let more = false;
    for (const [j, s] of path.left)
      if (taken.has(j)) value = times(value, s);
      else {
        more = true;
        q = min(q, s);
      }
    let a = value;
    const b = new Map();
    for (const [j, s] of path.left) {
      if (!taken.has(j)) {
        b.set(j, timesUp(value, ONE - s));
        continue;
      }
      let gain = 0n;
      if (s > 0n && !more) gain = over(ONE, s) - ONE;
      else if (s > 0n && q > 0n && q < ONE) {
        // s = q^k e^-w: F = k (1 - q) + q (q^k / s - 1)
        let power = ONE;
        let k = 0n;
        while (k < 200n && timesUp(power, q) >= s) {
          power = timesUp(power, q);
          k++;
        }
        let low = ONE;
        for (let n = 0n; n < k; n++) low = times(low, q);
        gain = k * (ONE - q) + min(ONE - q, times(q, max(0n, over(low, s) - ONE)));
      }
      const c = times(value, max(0n, gain));
      a += c;
      b.set(j, c);
    }
    return [a, b];
  }

  tangent({ taken, paths: [path], depth }) {
    let value = path.value;
    for (const [j, s] of path.left) if (taken.has(j)) value = times(value, s);
    value = times(value, expDown(depth));
    const b = new Map();
    for (const [j, s] of path.left)
      if (!taken.has(j))
        b.set(j, timesUp(value, s === 0n ? ONE + depth : logarithm(ONE, s)[1]) + 1n);
    return [times(value, ONE + depth), b];
  }

  lemma(line) {
    const [, paths, prices, side] = tuple(line, 4);
    const members = new Set(array(paths).map((k) => at(this.paths, k).u));
    const price = new Map();
    for (const each of array(prices)) {
      const [j, p] = tuple(each, 2);
      const k = this.option(j);
      need(!price.has(k), "a price twice");
      price.set(k, fixed(p));
    }
    const value = fixed(side);
    this.prove(value, members, price);
    this.rows.push({ members, price, value });
  }

  rowAt(row, node) {
    if (row.price) return [row.value, row.price];
    let side = 0n;
    const b = new Map();
    for (const cut of row.cuts) {
      const u = cut.paths[0].u;
      const [a, c] = this.cutAt(cut, node.floor.get(u) ?? 0n);
      side += times(this.weights[u].low, a);
      for (const [j, each] of c)
        b.set(j, (b.get(j) ?? 0n) + timesUp(this.weights[u].high, each));
    }
    return [side, b];
  }

  // The largest value of a known path of a commodity without some options.
  best(u, excluded, more) {
    let best = 0n;
    for (const { value, left } of this.onPath.get(u) ?? []) {
      if (value <= best) continue;
      let worth = value;
      for (const [j, s] of left) {
        if (!excluded.has(j) && !more?.has(j)) worth = times(worth, s);
        if (worth <= best) break;
      }
      best = max(best, worth);
    }
    return best;
  }

  raise(node) {
    for (const u of this.here) {
      let floor = max(node.floor.get(u) ?? 0n, this.best(u, node.excluded));
      for (const { sets, closed } of node.splits) {
        if (closed) continue;
        let least = null;
        for (const set of sets) {
          if ([...set].some((j) => node.placed.has(j))) continue;
          const open = this.best(u, node.excluded, set);
          least = least === null || open < least ? open : least;
        }
        if (least !== null) floor = max(floor, least);
      }
      node.floor.set(u, floor);
    }
  }

  place(node, j) {
    if (node.excluded.has(j)) node.empty = true;
    node.placed.add(j);
  }

  exclude(node, j) {
    if (node.placed.has(j)) node.empty = true;
    node.excluded.add(j);
  }

  // Fix what rows leave no choice of; a node without plans is empty.
  propagate(node) {
    const { budget, conflict, requirement } = this.instance.rows;
    for (let size = -1; !node.empty && size !== node.placed.size + node.excluded.size; ) {
      size = node.placed.size + node.excluded.size;
      for (const { side, row } of [...budget, ...conflict, ...requirement, ...node.hulls]) {
        let most = 0n;
        for (const [j, c] of row)
          if (c > 0n ? !node.excluded.has(j) : node.placed.has(j)) most += c;
        if (most < side) node.empty = true;
        for (const [j, c] of row) {
          if (node.placed.has(j) || node.excluded.has(j)) continue;
          if (c > 0n && most - c < side) this.place(node, j);
          if (c < 0n && most + c < side) this.exclude(node, j);
        }
      }
      for (const { sets, closed } of node.splits) {
        if (closed)
          for (const set of sets) {
            const left = [...set].filter((j) => !node.excluded.has(j));
            if (!left.length) node.empty = true;
            if (left.length === 1) this.place(node, left[0]);
          }
        else {
          const open = sets.filter((set) => ![...set].some((j) => node.placed.has(j)));
          if (!open.length) node.empty = true;
          if (open.length === 1) for (const j of open[0]) this.exclude(node, j);
        }
      }
    }
  }

  prove(least, members, price) {
    this.here = members;
    this.price = price;
    this.least = least;
    const root = new Node();
    for (const j of this.instance.forced) this.place(root, j);
    for (const j of this.instance.forbidden) this.exclude(root, j);
    this.settle(root);
    this.below(root, 0);
  }

  settle(node) {
    this.propagate(node);
    this.raise(node);
  }

  below(node, depth) {
    need(depth <= 1000, "too many splits above one another");
    for (;;) {
      const line = this.next();
      const [word] = line;
      if (word === "leaf") {
        const { total } = this.bound(node, tuple(line, 2)[1]);
        need(node.empty || total >= this.least, "a leaf is bounded lower");
        return;
      }
      if (word === "split") {
        const sets = array(tuple(line, 2)[1]).map(
          (set) => new Set(array(set).map((j) => this.option(j))),
        );
        need(sets.length > 0, "a split of nothing");
        for (const closed of [true, false]) {
          const child = new Node(node);
          child.splits.push({ sets, closed });
          this.settle(child);
          this.below(child, depth + 1);
        }
        return;
      }
      if (word === "fix") this.fix(node, line);
      else if (word === "hull") this.hull(node, line);
      else if (word === "floor") this.raised(node, line);
      else fail("a line that is not known in a tree");
    }
  }

  bound(node, duals) {
    need(duals instanceof Map, "duals that are no object");
    for (const key of duals.keys())
      need(
        ["row", "budget", "conflict", "requirement", "hull", "closed", "open"].includes(key),
        "duals of another name",
      );
    let total = 0n;
    const cost = new Map(this.price);
    const used = new Map();
    const take = (z, side, row, sign) => {
      total += times(z, side);
      for (const [j, c] of row) cost.set(j, (cost.get(j) ?? 0n) - timesUp(z, sign * c));
    };
    for (const each of array(duals.get("row") ?? [])) {
      const [k, text] = tuple(each, 2);
      const row = at(this.rows, k);
      const y = fixed(text);
      for (const u of row.members) {
        need(this.here.has(u), "a row of other commodities");
        used.set(u, (used.get(u) ?? 0n) + y);
        need(used.get(u) <= ONE, "cuts of a commodity with multipliers above 1 together");
      }
      take(y, ...this.rowAt(row, node), -1n);
    }
    for (const u of this.here) {
      const floor = times(this.weights[u].low, node.floor.get(u) ?? 0n);
      total += times(floor, ONE - (used.get(u) ?? 0n));
    }
    const tables = { ...this.instance.rows, hull: node.hulls };
    for (const word of ["budget", "conflict", "requirement", "hull"])
      for (const each of array(duals.get(word) ?? [])) {
        const [k, text] = tuple(each, 2);
        const { side, row } = at(tables[word], k);
        take(fixed(text), side, row, 1n);
      }
    for (const each of array(duals.get("closed") ?? [])) {
      const [k, m, text] = tuple(each, 3);
      const split = at(node.splits, k);
      need(split.closed, "a split that is not closed");
      take(fixed(text), ONE, new Map([...at(split.sets, m)].map((j) => [j, ONE])), 1n);
    }
    for (const each of array(duals.get("open") ?? [])) {
      const [k, text] = tuple(each, 2);
      const split = at(node.splits, k);
      need(!split.closed, "a split that is not open");
      const all = new Set(split.sets.flatMap((set) => [...set]));
      const least = Math.min(...split.sets.map((set) => set.size));
      take(fixed(text), BigInt(least - all.size) * ONE, new Map([...all].map((j) => [j, -ONE])), 1n);
    }
    for (const [j, c] of cost)
      if (node.placed.has(j)) total += c;
      else if (!node.excluded.has(j)) total += min(0n, c);
    return { total, cost };
  }

  fix(node, line) {
    const [, duals, placed, excluded] = tuple(line, 4);
    const { total, cost } = this.bound(node, duals);
    const fixes = [
      ...array(placed).map((j) => [this.option(j), -1n]),
      ...array(excluded).map((j) => [this.option(j), 1n]),
    ];
    for (const [j, sign] of fixes) {
      const stays = sign < 0n ? node.placed.has(j) : node.excluded.has(j);
      const open = !node.placed.has(j) && !node.excluded.has(j);
      const other = total + (open ? max(0n, sign * (cost.get(j) ?? 0n)) : 0n);
      need(node.empty || stays || other >= this.least, "an option is fixed that costs too little");
    }
    for (const [j, sign] of fixes) if (sign < 0n) this.place(node, j);
      else this.exclude(node, j);
    this.settle(node);
  }

  hull(node, line) {
    const [, terms, most] = tuple(line, 3);
    const side = BigInt(index(most));
    const k = new Map();
    for (const each of array(terms)) {
      const [j, times] = tuple(each, 2);
      const option = this.option(j);
      need(!k.has(option), "an option twice in a budget cut");
      k.set(option, BigInt(index(times)));
    }
    const { capacity, uses } = this.instance;
    let left = [...capacity];
    let got = 0n;
    for (const j of node.placed) {
      left = left.map((c, r) => c - uses[j][r]);
      got += k.get(j) ?? 0n;
    }
    if (!node.empty && left.every((c) => c >= 0n)) {
      const classes = new Map();
      for (const [j, worth] of k) {
        if (node.placed.has(j) || node.excluded.has(j) || worth === 0n) continue;
        const key = [worth, ...uses[j]].join(" ");
        if (!classes.has(key)) classes.set(key, { worth, use: uses[j], count: 0n });
        classes.get(key).count++;
      }
      need(this.most([...classes.values()], left) + got <= side, "counts that exceed a budget cut");
    }
    node.hulls.push({
      side: -side * ONE,
      row: new Map([...k].map(([j, c]) => [j, -c * ONE])),
    });
    this.settle(node);
  }

  // The largest sum of worths of counts that fit.
  most(kinds, room) {
    const known = new Map();
    const further = (i, left) => {
      if (i === kinds.length) return 0n;
      const key = i + " " + left.join(" ");
      if (known.has(key)) return known.get(key);
      need(++this.steps <= LARGEST_STEPS, "too many steps of counts of budgets");
      const { worth, use, count } = kinds[i];
      let best = 0n;
      let rest = left;
      for (let n = 0n; n <= count && rest.every((c) => c >= 0n); n++) {
        best = max(best, n * worth + further(i + 1, rest));
        rest = rest.map((c, r) => c - use[r]);
      }
      known.set(key, best);
      return best;
    };
    return further(0, room);
  }

  raised(node, line) {
    const [, level, ys, budgets, hulls] = tuple(line, 5);
    const v = fixed(level);
    need(v > 0n, "a floor of nothing");
    let gain = 0n;
    let u = null;
    const met = new Map();
    const seen = new Set();
    for (const each of array(ys)) {
      const [k, text] = tuple(each, 2);
      const path = at(this.paths, k);
      need(u === null || path.u === u, "a floor of several commodities");
      u = path.u;
      const y = fixed(text);
      let value = path.value;
      for (const [j, s] of path.left) if (node.placed.has(j)) value = times(value, s);
      need(value >= v, "a path below the level of a floor");
      gain += y;
      const [low] = logarithm(value, v);
      for (const [j, s] of path.left) {
        if (node.placed.has(j) || node.excluded.has(j) || s === ONE) continue;
        const depth = s === 0n ? null : logarithm(ONE, s)[1];
        const c = depth === null || low <= 0n ? ONE : min(ONE, overUp(depth, low));
        met.set(j, (met.get(j) ?? 0n) + timesUp(c, y));
      }
    }
    need(u !== null && this.here.has(u), "a floor of no commodity");
    let spent = 0n;
    const price = new Map();
    for (const [list, table] of [
      [budgets, this.instance.rows.budget],
      [hulls, node.hulls],
    ])
      for (const each of array(list)) {
        const [k, text] = tuple(each, 2);
        const { side, row } = at(table, k);
        const mu = fixed(text);
        let left = -side;
        for (const [j, c] of row)
          if (node.placed.has(j)) left += c;
          else if (!node.excluded.has(j)) price.set(j, (price.get(j) ?? 0n) + times(mu, -c));
        if (left < 0n) node.empty = true;
        spent += timesUp(mu, max(0n, left));
      }
    for (const [j, c] of met) spent += max(0n, c - (price.get(j) ?? 0n));
    need(gain > spent || node.empty, "multipliers that do not prove a floor");
    node.floor.set(u, max(node.floor.get(u) ?? 0n, v));
  }
}

const array = (v) => (need(Array.isArray(v), "no list"), v);
const tuple = (v, n) => (need(array(v).length === n, "a list of another length"), v);
const index = (v) => {
  need(typeof v === "bigint" && v >= 0n && v < 1n << 40n, "no position");
  return Number(v);
};
const at = (items, k) => {
  need(index(k) < items.length, "a position beyond the end");
  return items[Number(k)];
};

function check(instance, certificate) {
  let checker = null;
  try {
    const bytes = readFileSync(instance);
    need(bytes.length <= 1 << 28, "an instance file that is too large");
    const problem = new Instance(bytes);
    const content = gunzipSync(readFileSync(certificate), { maxOutputLength: 1 << 27 });
    const lines = [];
    for (let from = 0; from < content.length; ) {
      const end = content.indexOf(10, from);
      lines.push(content.subarray(from, end < 0 ? content.length : end));
      from = end < 0 ? content.length : end + 1;
    }
    checker = new Checker(problem, lines);
    const [low, high] = checker.run();
    const nine = (n) => `${n / 10n ** 9n}.${String(n % 10n ** 9n).padStart(9, "0")}`;
    const lower = (low * 10n ** 9n) >> BITS;
    const upper = -((-high * 10n ** 9n) >> BITS);
    return `proved: value in [${nine(lower)}, ${nine(upper)}]`;
  } catch (error) {
    const where = checker ? `line ${checker.line}` : "instance";
    const why = error instanceof Fault ? error.message : `cannot be read (${error.name}: ${error.message})`;
    return `${where}: ${JSON.stringify(why).slice(1, -1)}`;
  }
}

const given = process.argv.slice(2);
if (given[0] === "--many") {
  for (const line of readFileSync(0, "utf8").split("\n"))
    if (line) console.log(check(...line.split("\t")));
} else if (given.length === 2) {
  const told = check(...given);
  console.log(told);
  process.exitCode = told.startsWith("proved: ") ? 0 : 1;
} else {
  console.error("usage: node check.mjs INSTANCE CERTIFICATE");
  process.exitCode = 2;
}
