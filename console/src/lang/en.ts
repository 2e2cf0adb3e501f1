/** The same in English; most refusals have the API's own sentence. */
import * as first from 'virtual:first/en'
import { gathered } from './gather'

export default gathered(
  import.meta.glob('../kit/*.en.json', { eager: true, import: 'default' }),
  import.meta.glob('../shop/*/en.json', { eager: true, import: 'default' }),
  first,
)
