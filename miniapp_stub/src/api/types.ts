import type { components, paths } from "./contract";

export type Method = "get" | "post" | "put" | "patch" | "delete";
type Described = { responses: unknown };

/** Addresses of the contract that know this method. */
export type Address<M extends Method> = { [P in keyof paths]: paths[P] extends { [K in M]: Described } ? P : never }[keyof paths] & string;
type Operation<P extends keyof paths, M extends Method> = M extends keyof paths[P] ? paths[P][M] : never;

type Json<C> = C extends { content: { "application/json": infer B } } ? B : void;
type Good<R> = R extends { 200: infer A } ? Json<A> : R extends { 201: infer A } ? Json<A> : R extends { 202: infer A } ? Json<A> : void;

/** What a good answer holds. */
export type Answer<P extends keyof paths, M extends Method> = Operation<P, M> extends { responses: infer R } ? Good<R> : never;

type PathOf<O> = O extends { parameters: { path: infer V } } ? Omit<V, "mall_code"> : object;
type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? Q : never;
type BodyOf<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? B : never;

type Maybe<Name extends string, V> = [V] extends [never] ? object : keyof V extends never ? object : { [K in Name]: V };
type Optional<Name extends string, V> = [V] extends [never] ? object : { [K in Name]?: V };

/** What a call may carry. `key` is the Idempotency-Key. `mall_code` fills itself. */
export type Given<P extends keyof paths, M extends Method> = Maybe<"path", PathOf<Operation<P, M>>> &
  Optional<"query", QueryOf<Operation<P, M>>> &
  Maybe<"body", BodyOf<Operation<P, M>>> & { key?: string };

type Schemas = components["schemas"];
/** A schema of the contract by its name. */
export type Schema<N extends keyof Schemas> = Schemas[N];
