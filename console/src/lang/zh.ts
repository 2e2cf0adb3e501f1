/** Every sentence in Chinese that is needed before a page of the desk: the kit's, the tablet's, and the desk's titles. */
import titles from 'virtual:titles/zh'
import { gathered } from './gather'

export default gathered(
  import.meta.glob('../kit/*.zh.json', { eager: true, import: 'default' }),
  import.meta.glob('../shop/*/zh.json', { eager: true, import: 'default' }),
  titles,
)
