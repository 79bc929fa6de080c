import { expect, test } from 'vitest'
import { baseRecipe, recipeName } from '../../src/lab/recipe.ts'

test('equal recipes share an image, whatever the order and repetition of the extra packages', () => {
  const name = recipeName(baseRecipe(['deb x'], ['nginx', 'git', 'nginx']))
  expect(recipeName(baseRecipe(['deb x'], ['git', 'nginx']))).toBe(name)
  expect(recipeName(baseRecipe(['deb x']))).not.toBe(name)
  expect(recipeName(baseRecipe(['deb y'], ['git', 'nginx']))).not.toBe(name)
})
