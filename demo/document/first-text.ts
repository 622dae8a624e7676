/** The first content of the document. */
export const firstText = `Come and see us!

On Saturday the whole quarter opens its doors. From nine to five there are talks on the main stage, things to make in the workshop and a long table in the garden.

What to bring
— an old bicycle, if yours squeaks
— seeds you have too many of
— a cake, if you dare

Who helps us?
`;
