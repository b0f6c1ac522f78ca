//! A restored database, however it was restored: what of it is there, and whether it is as the plan says.

use futures::future::{join, join_all};
use pilot_core::decide::restored::{Next, Wanted, next, stated};
use pilot_core::observed::RestoredObserved;
use pilot_core::plan::{RestoredInstance, RestoredKind};
use pilot_shell::CallError;

use crate::ports::Region;

/// The restored database and, in the order of the plan, its instances, as far as they are there.
pub(crate) async fn made<R: Region>(
    wanted: &Wanted<'_>,
    region: &R,
) -> Result<(Option<RestoredObserved>, Vec<Option<RestoredObserved>>), CallError> {
    let instances = wanted.instances.iter();
    let instances = instances.map(|i: &RestoredInstance| region.restored(RestoredKind::Instance, &i.identifier));
    let (database, instances) = join(region.restored(wanted.kind, wanted.identifier), join_all(instances)).await;
    Ok((database?, instances.into_iter().collect::<Result<_, _>>()?))
}

/// The proof after the restore: there, with its instances, and every setting of the plan in force.
pub(crate) async fn proof<R: Region>(wanted: &Wanted<'_>, region: &R) -> Result<String, String> {
    let (database, instances) = made(wanted, region).await.map_err(crate::proof::unseen)?;
    let (kind, id) = (wanted.kind.as_str(), wanted.identifier);
    let database = database.ok_or_else(|| format!("no {kind} {id}"))?;
    match next(wanted, &database, &instances) {
        Next::Done if wanted.settings.is_empty() => Ok(format!("{} is there", database.arn)),
        Next::Done => Ok(format!("{} is there, with {}", database.arn, stated(wanted.settings))),
        Next::Wait { reason, .. } => Err(reason),
        Next::CreateInstance(index) => {
            let missing = wanted.instances.get(index).map_or("an instance", |i| i.identifier.as_str());
            Err(format!("{id} has no DB instance {missing}"))
        }
        Next::Change(change) => Err(format!("{id} is not {}", change.said())),
        Next::Fail(failure) => Err(failure.what),
    }
}
