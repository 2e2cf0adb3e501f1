/** What people do about their own account, at the desk's addresses or at the shop's. */
import { api, ask, type Schemas } from './client'
import { place } from './place'

const desk = place.entrance === 'office'

type Proof = Schemas['ProofArgs']

export function changePassword(body: Schemas['OwnPasswordArgs']) {
  return ask(desk ? api.PUT('/v1/office/me/password', { body }) : api.PUT('/v1/shop/me/password', { body }))
}

export function codeState(): Promise<Schemas['CodeState']> {
  return ask(desk ? api.GET('/v1/office/me/codes') : api.GET('/v1/shop/me/codes'))
}

export function beginCodes(body: Proof): Promise<Schemas['CodeSetup']> {
  return ask(desk ? api.POST('/v1/office/me/codes', { body }) : api.POST('/v1/shop/me/codes', { body }))
}

export function confirmCodes(code: string): Promise<Schemas['RecoveryCodes']> {
  return ask(desk ? api.PUT('/v1/office/me/codes', { body: { code } }) : api.PUT('/v1/shop/me/codes', { body: { code } }))
}

export function newRecoveryCodes(body: Proof): Promise<Schemas['RecoveryCodes']> {
  return ask(desk ? api.POST('/v1/office/me/recovery-codes', { body }) : api.POST('/v1/shop/me/recovery-codes', { body }))
}

export function signIns(cursor?: string) {
  const params = { query: { cursor, limit: 20 } }
  return ask(desk ? api.GET('/v1/office/me/sign-ins', { params }) : api.GET('/v1/shop/me/sign-ins', { params }))
}

export function endSignIn(id: number) {
  const params = { path: { sign_in_id: id } }
  return ask(desk ? api.DELETE('/v1/office/me/sign-ins/{sign_in_id}', { params }) : api.DELETE('/v1/shop/me/sign-ins/{sign_in_id}', { params }))
}

export function endOtherSignIns() {
  return ask(desk ? api.DELETE('/v1/office/me/sign-ins') : api.DELETE('/v1/shop/me/sign-ins'))
}
