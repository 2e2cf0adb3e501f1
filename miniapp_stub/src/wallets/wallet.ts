// What the pages may ask of the wallet they run in. Only the files of this folder know which one it is.

export type Channel = "wechat" | "alipay" | "phone";

/** A wallet that pays. */
export type Payer = "wechat" | "alipay";

/** What the API wants for signing in: the address's end and the body's own part. */
export interface Proof {
  channel: Channel;
  body: Record<string, string>;
}

/** Why the wallet did not do what was asked. */
export type Denial = "cancelled" | "denied" | "unavailable";

export class Denied extends Error {
  readonly why: Denial;
  constructor(why: Denial) {
    super(why);
    this.name = "Denied";
    this.why = why;
  }
}

export interface ChooseOptions {
  /** At most so many; 1 to 9. */
  count: number;
  from: "camera" | "album" | "both";
}

export interface Wallet {
  readonly channel: Channel;
  /** Whether the sign-in is one tap (a wallet) or wants to be asked for more (h5). */
  readonly signsInAlone: boolean;
  /** Whether the phone number comes from a button of the wallet: what <button open-type> must be, else null. */
  readonly phoneButton: string | null;
  /** Ask the wallet who this is. */
  login(): Promise<Proof>;
  /** What the phone button's event gave, for POST /v1/me/phone/<channel>. Denied when the person said no. */
  phone(event: unknown): Promise<Record<string, string>>;
  /** The wallets that can pay on this device, the likeliest first. */
  payers(): Promise<Payer[]>;
  /** Pay what the API's prepay answered. Resolves when the wallet closes; the server alone knows whether it is paid. */
  pay(prepaid: Record<string, string>, by: Payer): Promise<void>;
  /** What a code said that opened this page from outside the app; null when none did. */
  opened(query: Record<string, string | undefined>): string | null;
  /** Read a QR or bar code with the camera. */
  scan(): Promise<string>;
  /** Let the person take or choose pictures: local paths, already shrunk to 2,000 px on the longest side. */
  chooseImages(options: ChooseOptions): Promise<string[]>;
  /** A picture's bytes. */
  bytes(path: string): Promise<ArrayBuffer>;
  /** The file behind a path: h5 only, where a path is an address of the memory and dies with the page. */
  file?(path: string): File | undefined;
  /** Keep a picture until `discard`, even when the app is closed; answers the name to ask for it by. */
  persist(path: string): Promise<string>;
  /** A path of a picture that was kept, good for now; null when the phone has removed it. */
  recall(name: string): Promise<string | null>;
  /** The picture is needed no more. */
  discard(name: string): Promise<void>;
  /** Ask whether these messages may be sent once: the ids that were agreed to. */
  subscribe(templates: string[]): Promise<string[]>;
  /** What <button open-type> must be to share a page, else null: then call `share`. */
  readonly shareButton: string | null;
  /** Share the page one is on, or copy its address. */
  share(title: string): Promise<"shared" | "copied">;
  /** Open a page of somebody else's in a new window, or copy its address where no window can be opened. */
  visit(url: string): Promise<"opened" | "copied">;
  /** Make the screen bright, or as it was. */
  brighten(bright: boolean): void;
  /** Open the page where a denied permission can be given back; false when there is none. */
  openPermissions(): Promise<boolean>;
  /** Give a file with this text to its owner: saved or shared. Resolves with what became of it. */
  handOver(name: string, text: string): Promise<"saved" | "copied">;
  /** Tell the person's system how this app is dressed (h5: the page around the pages). */
  dress(theme: "auto" | "light" | "dark", large: boolean, language: string): void;
}

/** The longest side of a picture that goes up, in pixels. */
export const LONGEST_SIDE = 2000;
