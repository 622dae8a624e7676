/** The rooms of an open day, which users point at. An id is the `eventId` of a cursor. */
export interface VenueItem {
  id: string;
  name: string;
  /** What happens there now. */
  now: string;
  time: string;
  drawing: 'rows' | 'tables' | 'stands' | 'desk' | 'sofas' | 'garden';
}

export const venue: readonly VenueItem[] = [
  { id: 'main-stage', name: 'Main stage', now: 'Opening talk', time: '10:00', drawing: 'rows' },
  { id: 'exhibition', name: 'Exhibition', now: 'Meet the makers', time: 'all day', drawing: 'stands' },
  { id: 'registration', name: 'Registration', now: 'Badges and maps', time: 'from 9:00', drawing: 'desk' },
  { id: 'cafe', name: 'Café', now: 'Coffee and cake', time: 'until 18:00', drawing: 'tables' },
  { id: 'workshop', name: 'Workshop', now: 'Hands on: bookbinding', time: '10:30', drawing: 'tables' },
  { id: 'studio', name: 'Studio', now: 'Portraits', time: '11:00', drawing: 'sofas' },
  { id: 'lounge', name: 'Lounge', now: 'Quiet hour', time: '10:00', drawing: 'sofas' },
  { id: 'garden', name: 'Garden', now: 'Music outside', time: '12:00', drawing: 'garden' },
];
