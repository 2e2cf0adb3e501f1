/** Every sentence in Chinese that is needed before a page of the desk: the kit's, the tablet's, the desk's titles, every refusal. */
import * as first from 'virtual:first/zh'
import { gathered } from './gather'

export default gathered(
  import.meta.glob('../kit/*.zh.json', { eager: true, import: 'default' }),
  import.meta.glob('../shop/*/zh.json', { eager: true, import: 'default' }),
  first,
)
