// Shared by the wallets: sizes of pictures.
import { LONGEST_SIDE } from "./wallet";

/** Width and height so that the longest side is at most LONGEST_SIDE; never larger than it was. */
export function fitted(width: number, height: number): { width: number; height: number } {
  const factor = Math.min(1, LONGEST_SIDE / Math.max(width, height, 1));
  const side = (length: number) => Math.max(1, Math.round(length * factor));
  return { width: side(width), height: side(height) };
}

function sizeOf(path: string): Promise<{ width: number; height: number }> {
  return new Promise((resolve, reject) => uni.getImageInfo({ src: path, success: resolve, fail: reject }));
}

/** The picture with its longest side at most LONGEST_SIDE; the same path when it is small enough or cannot be shrunk here. */
export async function shrunk(path: string): Promise<string> {
  try {
    const was = await sizeOf(path);
    const size = fitted(was.width, was.height);
    if (size.width === was.width) return path;
    const options = { src: path, quality: 85, compressedWidth: size.width, compressedHeight: size.height };
    return await new Promise<string>((resolve, reject) =>
      uni.compressImage({ ...options, success: (made) => resolve(made.tempFilePath), fail: reject }),
    );
  } catch {
    return path;
  }
}
