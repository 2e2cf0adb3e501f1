// Pictures that outlive a browser's page, in IndexedDB. A browser that keeps nothing (private windows) holds them until the page closes.

const PHOTOS = "photos";
let opened: Promise<IDBDatabase> | null = null;

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open("mallbridge", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(PHOTOS);
  return asked(request);
}

async function store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  opened ??= open();
  return (await opened).transaction(PHOTOS, mode).objectStore(PHOTOS);
}

/** Keep a file under a name; false when this browser keeps nothing. */
export async function keepFile(name: string, file: File): Promise<boolean> {
  try {
    await asked((await store("readwrite")).put(file, name));
    return true;
  } catch {
    return false;
  }
}

/** The file of this name, if it is still there. */
export async function keptFile(name: string): Promise<File | null> {
  try {
    return ((await asked((await store("readonly")).get(name))) as File | undefined) ?? null;
  } catch {
    return null;
  }
}

/** The file is needed no more. */
export async function dropFile(name: string): Promise<void> {
  await asked((await store("readwrite")).delete(name)).catch(() => undefined);
}
