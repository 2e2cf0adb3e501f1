declare module 'virtual:titles/*' {
  const titles: Record<string, { title: string }>
  export default titles
}
