// Pictures that outlive the app: those of an upload that is not finished. WeChat and Alipay have the same files.
import type { Wallet } from "./wallet";

type Call = (options: Record<string, unknown>) => void;
type Asked = <T>(call: Call, options?: Record<string, unknown>) => Promise<T>;

/** The three functions over a wallet's file system. */
export function keeper(files: () => Record<string, Call>, asked: Asked): Pick<Wallet, "persist" | "recall" | "discard"> {
  return {
    async persist(path) {
      const all = files();
      return (await asked<{ savedFilePath: string }>((options) => all.saveFile(options), { tempFilePath: path })).savedFilePath;
    },
    async recall(name) {
      const all = files();
      return asked((options) => all.access(options), { path: name }).then(
        () => name,
        () => null,
      );
    },
    async discard(name) {
      const all = files();
      await asked((options) => all.unlink(options), { filePath: name }).catch(() => undefined);
    },
  };
}
