// The modules read the page's language and municipality once, when they are loaded.
Object.assign(globalThis, {
  document: { documentElement: { lang: 'de' }, body: { dataset: { municipality: 'musterstadt' } }, cookie: '' },
  location: { href: 'http://localhost/musterstadt/', protocol: 'http:', hash: '' },
});
