/** What a request for a second person would change, in words: field by field, as it is and as it was asked. */
import { nameOf, t } from '@/lang'
import { count, money, said, when } from '@/kit/formats'
import type { Schemas } from '@/kit/client'

export interface Change {
  name: string
  label: string
  before: string
  asked: string
}

function label(name: string): string {
  const word = nameOf('fields', name)
  return word === name ? nameOf('rules', name) : word
}

function shown(name: string, value: unknown): string {
  if (value === undefined) return ''
  if (value === null) return '—'
  if (typeof value === 'boolean') return t(value ? 'kit.yes' : 'kit.no')
  if (typeof value === 'number') return name.endsWith('_fen') ? money(value) : name.endsWith('_bp') ? `${value / 100}%` : name.endsWith('_id') ? String(value) : count(value)
  if (typeof value === 'object' && 'zh' in value && 'en' in value) return said(value as { zh: string; en: string })
  if (Array.isArray(value) || typeof value === 'object') return JSON.stringify(value)
  const text = String(value)
  if (name === 'role') return t(`kit.roles.${text}`)
  return name.endsWith('_at') ? when(text) : nameOf('choices', text)
}

export function changes(approval: Schemas['Approval']): Change[] {
  const asked = approval.asked as Record<string, unknown>
  const before = (approval.before ?? {}) as Record<string, unknown>
  const names = [...Object.keys(asked), ...Object.keys(before).filter((name) => !(name in asked))]
  return names.map((name) => ({ name, label: label(name), before: shown(name, before[name]), asked: shown(name, asked[name]) }))
}
