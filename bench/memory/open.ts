import type { Contender, MemoryClient } from './contender.ts';

/** Opens a way's connection; its code is loaded only then. */
export async function openClient(contender: Contender, url: string): Promise<MemoryClient> {
  switch (contender) {
    case 'recollect':
      return await (await import('./recollect.ts')).openRecollect(url, 'alone');
    case 'recollect-whole':
      return await (await import('./recollect.ts')).openRecollect(url, 'whole');
    case 'tutorial':
      return await (await import('./tutorial.ts')).openTutorial(url);
    case 'langchain':
      return await (await import('./langchain.ts')).openLangchain(url);
    case 'least':
      return await (await import('./least.ts')).openLeast(url);
  }
}
