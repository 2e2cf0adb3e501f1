// A challenge of the server: find the number whose SHA-256 behind the salt is the one that is asked for. Mini-programs have no crypto of
// their own, so the hash is written out; it runs in slices, and the page stays awake.

export interface Challenge {
  readonly algorithm: string;
  readonly challenge: string;
  readonly maxnumber: number;
  readonly salt: string;
  readonly signature: string;
}

export interface Solution {
  readonly algorithm: string;
  readonly challenge: string;
  readonly number: number;
  readonly salt: string;
  readonly signature: string;
}

/** So many milliseconds are computed before the page gets its turn. */
export const SLICE = 12;
const AT_ONCE = 256;
const BLOCK = 64;

/** The first 32 bits of the fractional parts of the cube roots (K) and square roots (START) of the first primes, FIPS 180-4. */
const K = new Int32Array(64);
const START = new Int32Array(8);
for (let prime = 2, at = 0; at < 64; prime += 1) {
  let divisor = 2;
  while (divisor * divisor <= prime && prime % divisor !== 0) divisor += 1;
  if (divisor * divisor <= prime) continue;
  K[at] = fraction(Math.cbrt(prime));
  if (at < 8) START[at] = fraction(Math.sqrt(prime));
  at += 1;
}

function fraction(root: number): number {
  return ((root - Math.floor(root)) * 0x1_0000_0000) | 0;
}

const words = new Int32Array(64);

function turn(value: number, by: number): number {
  return (value >>> by) | (value << (32 - by));
}

/** Take one block of 64 bytes into the state. */
function compress(state: Int32Array, bytes: Uint8Array, from: number): void {
  for (let at = 0; at < 16; at += 1) {
    const byte = from + at * 4;
    words[at] = (bytes[byte] << 24) | (bytes[byte + 1] << 16) | (bytes[byte + 2] << 8) | bytes[byte + 3];
  }
  for (let at = 16; at < 64; at += 1) {
    const early = words[at - 15];
    const late = words[at - 2];
    const first = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
    const second = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
    words[at] = (words[at - 16] + first + words[at - 7] + second) | 0;
  }
  let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (let at = 0; at < 64; at += 1) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[at] + words[at]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/** Says whether a number is the right one. The whole blocks of the salt are hashed once. */
function tester(salt: string, challenge: string): (number: number) => boolean {
  const whole = Math.floor(salt.length / BLOCK) * BLOCK;
  const head = Int32Array.from(START);
  const bytes = Uint8Array.from(salt, (letter) => letter.charCodeAt(0));
  for (let from = 0; from < whole; from += BLOCK) compress(head, bytes, from);
  const wanted = Int32Array.from({ length: 8 }, (_, at) => parseInt(challenge.slice(at * 8, at * 8 + 8), 16) | 0);
  const rest = salt.length - whole;
  const tail = new Uint8Array(2 * BLOCK);
  const state = new Int32Array(8);
  return (number) => {
    const digits = String(number);
    const length = rest + digits.length;
    const end = length + 9 > BLOCK ? 2 * BLOCK : BLOCK;
    tail.fill(0);
    tail.set(bytes.subarray(whole));
    for (let at = 0; at < digits.length; at += 1) tail[rest + at] = digits.charCodeAt(at);
    tail[length] = 0x80;
    const bits = (whole + length) * 8;
    for (let at = 0; at < 4; at += 1) tail[end - 1 - at] = (bits >>> (8 * at)) & 0xff;
    state.set(head);
    for (let from = 0; from < end; from += BLOCK) compress(state, tail, from);
    return state.every((word, at) => word === wanted[at]);
  };
}

const breath = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

/** Solve a challenge in slices; null when it has no solution, which an honest server never gives. */
export async function solve({ algorithm, challenge, maxnumber, salt, signature }: Challenge): Promise<Solution | null> {
  const right = tester(salt, challenge);
  let number = 0;
  while (number <= maxnumber) {
    const until = Date.now() + SLICE;
    do {
      for (const stop = Math.min(number + AT_ONCE, maxnumber + 1); number < stop; number += 1)
        if (right(number)) return { algorithm, challenge, number, salt, signature };
    } while (number <= maxnumber && Date.now() < until);
    await breath();
  }
  return null;
}
