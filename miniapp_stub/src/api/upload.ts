// Photos go up as multipart/form-data. A key of keys.ts outlives the page, so that sending again after a lost connection counts once.
import { wallet } from "@/wallets";
import { device, signed } from "./client";
import { origin } from "./place";
import { Trouble } from "./troubles";
import { failed, received, send } from "./wire";

export interface Upload<T> {
  done: Promise<T>;
  /** Stop sending. */
  abort: () => void;
}

export interface UploadOptions {
  /** Name of the form field. */
  field: string;
  /** The Idempotency-Key. */
  key: string;
  /** Told whole per cents. */
  progress?: (percent: number) => void;
}

/** Send one file, or several as one request. */
export function upload<T>(path: string, files: string[], options: UploadOptions): Upload<T> {
  const running: { task?: UniApp.UploadTask; stopped: boolean } = { stopped: false };
  const done = signed((proof) => {
    if (running.stopped) return Promise.reject(new Trouble("offline"));
    const header = { ...proof, "Idempotency-Key": options.key, "X-Device-Id": device() };
    return files.length === 1 ? one<T>(path, files[0], header, options, running) : several<T>(path, files, header, options);
  });
  return {
    done,
    abort: () => {
      running.stopped = true;
      running.task?.abort();
    },
  };
}

function one<T>(path: string, file: string, header: Record<string, string>, options: UploadOptions, running: { task?: UniApp.UploadTask }): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    running.task = uni.uploadFile({
      url: origin() + path,
      filePath: file,
      file: wallet.file?.(file),
      name: options.field,
      header,
      success: (got) => {
        try {
          resolve(received(got.statusCode, got.data, {}) as T);
        } catch (trouble) {
          reject(trouble);
        }
      },
      fail: (why) => reject(failed(why)),
    });
    running.task?.onProgressUpdate?.((now) => options.progress?.(Math.round(now.progress)));
  });
}

// The wallets' own upload takes one file; several are put into one body here.
async function several<T>(path: string, files: string[], header: Record<string, string>, options: UploadOptions): Promise<T> {
  const edge = `----mallbridge${options.key}`;
  const body = multipart(edge, options.field, await Promise.all(files.map((file) => wallet.bytes(file))));
  options.progress?.(10);
  const sent = { method: "POST", path, header: { ...header, "Content-Type": `multipart/form-data; boundary=${edge}` }, data: body };
  const answer = (await send(sent)) as T;
  options.progress?.(100);
  return answer;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** The body of a form that holds these files in one field. */
export function multipart(edge: string, field: string, files: ArrayBuffer[]): ArrayBuffer {
  const parts = files.flatMap((file, at) => [
    ascii(`--${edge}\r\nContent-Disposition: form-data; name="${field}"; filename="${at + 1}.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`),
    new Uint8Array(file),
    ascii("\r\n"),
  ]);
  parts.push(ascii(`--${edge}--\r\n`));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.buffer;
}
